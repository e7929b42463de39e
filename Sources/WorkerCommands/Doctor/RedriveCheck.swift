import Foundation
import WorkerKit

/// What is known of a dead-letter queue.
struct DeadLetterQueueLook: Sendable {
  var policy: QueueAttributes.RedrivePolicy
  /// As the policy names it.
  var address: QueueAddress
  /// By `GetQueueUrl`.
  var queue: Result<QueueInspector, QueueError>
  /// nil where the queue was not found.
  var attributes: Result<[String: String], QueueError>?
}

/// The redrive policy, and the dead-letter queue that it names.
struct RedriveCheck {
  let queue: QueueConfiguration
  let attributes: [String: String]
  let surroundings: DoctorSurroundings
  let commands: AWSCommands

  /// - Returns: nil where there is no policy, or none that can be read.
  func look(_ inspector: QueueInspector) async -> DeadLetterQueueLook? {
    guard let policy = attributes["RedrivePolicy"].flatMap(QueueInspector.redrivePolicy),
      let address = QueueAddress(arn: policy.deadLetterTargetArn)
    else { return nil }
    let found = await QueueCheck.look { try await inspector.queue(named: address.name, account: address.account) }
    var look = DeadLetterQueueLook(policy: policy, address: address, queue: found)
    if case .success(let letters) = found {
      look.attributes = await QueueCheck.look { try await letters.attributes() }
    }
    return look
  }

  func findings(_ look: DeadLetterQueueLook?) -> [Finding] {
    guard let look else { return [noPolicy] }
    let count = look.policy.maxReceiveCount
    var findings: [Finding] = []
    if count != queue.maxReceiveCount {
      findings.append(
        .warning(
          "the queue's policy dead-letters after \(counted(count, "receive")), routes.yaml says \(queue.maxReceiveCount); "
            + "the queue decides",
          remedy: "maxReceiveCount: \(count)   # queues.\(queue.name) of \(surroundings.routes)"))
    }
    if count == 1 {
      findings.append(
        Finding(
          .warning,
          "one receive is all that a message gets: a worker that dies, or an error that passes, dead-letters it",
          remedy: setPolicy(to: look.address, maxReceiveCount: 3)))
    }
    if let own, own.isFIFO != look.address.isFIFO {
      findings.append(
        Finding(
          .wrong,
          "\(own.name) is \(kind(own)) and its dead-letter queue \(look.address.name) is \(kind(look.address)); both must be the same",
          remedy: [commands.createDeadLetterQueue(own.deadLetterQueue)]
            + setPolicy(to: own.deadLetterQueue, maxReceiveCount: max(count, 3))))
    }
    return findings.isEmpty ? [.ok("after \(counted(count, "receive")) to \(look.address.name)")] : findings
  }

  func deadLetterFindings(_ look: DeadLetterQueueLook?) -> [Finding] {
    guard let look else { return [] }
    switch look.queue {
    case .failure(let error) where error.isQueueMissing:
      return [
        .wrong(
          "\(look.address.arn), which the redrive policy names, does not exist: what cannot be handled stays on the queue",
          remedy: commands.createDeadLetterQueue(look.address))
      ]
    case .failure(let error):
      return [.skipped("not looked at: \(error)")]
    case .success(let letters):
      return attributeFindings(look, url: letters.url)
    }
  }

  private func attributeFindings(_ look: DeadLetterQueueLook, url: String) -> [Finding] {
    guard case .success(let letters)? = look.attributes else {
      let error = look.attributes?.error
      return [
        Finding(
          .warning, "how many there are is not known: \(error.map { "\($0)" } ?? "it was not asked")",
          remedy: error?.isAccessDenied == true
            ? [PermissionsCheck.statement(["sqs:GetQueueAttributes"], on: look.address.arn)] : [])
      ]
    }
    let waiting = letters["ApproximateNumberOfMessages"].flatMap { Int($0) } ?? 0
    let depth: Finding =
      waiting == 0
      ? .ok("none in \(look.address.name)")
      : .warning(
        "\(counted(waiting, "message")) in \(look.address.name) could not be handled; see why",
        remedy: surroundings.command("dead-letters list", of: queue))
    return [depth] + retention(letters, look, url: url)
  }

  /// What the redrive policy moves keeps the time at which it was sent, except between FIFO queues.
  private func retention(_ letters: [String: String], _ look: DeadLetterQueueLook, url: String) -> [Finding] {
    guard !look.address.isFIFO, let own = attributes["MessageRetentionPeriod"].flatMap({ Int($0) }),
      let theirs = letters["MessageRetentionPeriod"].flatMap({ Int($0) }), theirs <= own,
      theirs < AWSCommands.longestRetention
    else { return [] }
    return [
      .warning(
        "\(look.address.name) keeps messages for \(days(theirs)), no longer than the queue itself, and their age counts "
          + "from the first send: late ones are lost soon",
        remedy: commands.setLongestRetention(of: url))
    ]
  }

  private var own: QueueAddress? {
    attributes["QueueArn"].flatMap(QueueAddress.init) ?? QueueAddress(url: queue.url, region: queue.region)
  }

  private var noPolicy: Finding {
    let message = "the queue has no redrive policy: what cannot be handled stays on it, and is tried until it expires"
    guard let own else { return .wrong(message) }
    return Finding(
      .wrong, message,
      remedy: [commands.createDeadLetterQueue(own.deadLetterQueue)]
        + setPolicy(to: own.deadLetterQueue, maxReceiveCount: queue.maxReceiveCount))
  }

  private func setPolicy(to target: QueueAddress, maxReceiveCount: Int) -> [String] {
    [commands.setRedrivePolicy(of: queue.url, to: target, maxReceiveCount: maxReceiveCount)]
  }

  private func kind(_ queue: QueueAddress) -> String { queue.isFIFO ? "FIFO" : "standard" }

  private func days(_ seconds: Int) -> String {
    seconds < 172_800 ? "\(seconds / 3600) h" : "\(seconds / 86_400) days"
  }
}
