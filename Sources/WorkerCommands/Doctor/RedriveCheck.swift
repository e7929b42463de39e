import Foundation
import WorkerKit
import WorkerSQS

/// The state of a dead-letter queue.
struct DeadLetterQueueState: Sendable {
  var policy: QueueAttributes.RedrivePolicy
  /// The address in the redrive policy.
  var address: QueueAddress
  /// The result of `GetQueueUrl`.
  var queue: Result<QueueInspector, QueueError>
  /// The attributes; nil if the queue was not found.
  var attributes: Result<[String: String], QueueError>?
}

/// Checks the redrive policy and its dead-letter queue.
struct RedriveCheck {
  let queue: QueueConfiguration
  let attributes: [String: String]
  let surroundings: DoctorSurroundings
  let commands: AWSCommands

  /// Reads the state of the dead-letter queue.
  ///
  /// - Returns: nil if there is no valid redrive policy.
  func readState(_ inspector: QueueInspector) async -> DeadLetterQueueState? {
    guard let policy = attributes["RedrivePolicy"].flatMap(QueueInspector.redrivePolicy),
      let address = QueueAddress(arn: policy.deadLetterTargetArn)
    else { return nil }
    let found = await QueueCheck.result { try await inspector.queue(named: address.name, account: address.account) }
    var state = DeadLetterQueueState(policy: policy, address: address, queue: found)
    if case .success(let deadLetters) = found {
      state.attributes = await QueueCheck.result { try await deadLetters.attributes() }
    }
    return state
  }

  func findings(_ state: DeadLetterQueueState?) -> [Finding] {
    guard let state else { return [noPolicy] }
    let count = state.policy.maxReceiveCount
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
          "a message is received only once; a transient error or the death of a worker dead-letters it",
          remedy: setPolicy(to: state.address, maxReceiveCount: 3)))
    }
    if let own, own.isFIFO != state.address.isFIFO {
      findings.append(
        Finding(
          .wrong,
          "\(own.name) is \(kind(own)) and its dead-letter queue \(state.address.name) is \(kind(state.address)); both must be the same",
          remedy: [commands.createDeadLetterQueue(own.deadLetterQueue)]
            + setPolicy(to: own.deadLetterQueue, maxReceiveCount: max(count, 3))))
    }
    return findings.isEmpty ? [.ok("after \(counted(count, "receive")) to \(state.address.name)")] : findings
  }

  func deadLetterFindings(_ state: DeadLetterQueueState?) -> [Finding] {
    guard let state else { return [] }
    switch state.queue {
    case .failure(let error) where error.isQueueMissing:
      return [
        .wrong(
          "\(state.address.arn), which the redrive policy names, does not exist; messages that cannot be handled stay on the queue",
          remedy: commands.createDeadLetterQueue(state.address))
      ]
    case .failure(let error):
      return [.skipped("not checked: \(error)")]
    case .success(let deadLetters):
      return attributeFindings(state, url: deadLetters.url)
    }
  }

  private func attributeFindings(_ state: DeadLetterQueueState, url: String) -> [Finding] {
    guard case .success(let deadLetters)? = state.attributes else {
      let error = state.attributes?.error
      return [
        Finding(
          .warning, "how many there are is not known: \(error.map { "\($0)" } ?? "it was not asked")",
          remedy: error?.isAccessDenied == true
            ? [PermissionsCheck.statement(["sqs:GetQueueAttributes"], on: state.address.arn)] : [])
      ]
    }
    let waiting = deadLetters["ApproximateNumberOfMessages"].flatMap { Int($0) } ?? 0
    let depth: Finding =
      waiting == 0
      ? .ok("none in \(state.address.name)")
      : .warning(
        "\(counted(waiting, "message")) in \(state.address.name) could not be handled; list the reasons",
        remedy: surroundings.command("dead-letters list", of: queue))
    return [depth] + retention(deadLetters, state, url: url)
  }

  /// A message that the redrive policy moves keeps its sent time, except between FIFO queues.
  private func retention(_ deadLetters: [String: String], _ state: DeadLetterQueueState, url: String) -> [Finding] {
    guard !state.address.isFIFO, let own = attributes["MessageRetentionPeriod"].flatMap({ Int($0) }),
      let theirs = deadLetters["MessageRetentionPeriod"].flatMap({ Int($0) }), theirs <= own,
      theirs < AWSCommands.longestRetention
    else { return [] }
    return [
      .warning(
        "\(state.address.name) keeps messages for \(days(theirs)), no longer than the queue itself, and their age counts "
          + "from the first send: late ones are lost soon",
        remedy: commands.setLongestRetention(of: url))
    ]
  }

  private var own: QueueAddress? {
    attributes["QueueArn"].flatMap(QueueAddress.init) ?? QueueAddress(url: queue.url, region: queue.region)
  }

  private var noPolicy: Finding {
    let message =
      "the queue has no redrive policy; messages that cannot be handled stay on it and are retried until they expire"
    guard let own else { return .wrong(message) }
    return Finding(
      .wrong, message,
      remedy: [commands.createDeadLetterQueue(own.deadLetterQueue)]
        + setPolicy(to: own.deadLetterQueue, maxReceiveCount: queue.maxReceiveCount))
  }

  private func setPolicy(to target: QueueAddress, maxReceiveCount: Int) -> [String] {
    [commands.setRedrivePolicy(of: withoutSecrets(queue.url), to: target, maxReceiveCount: maxReceiveCount)]
  }

  private func kind(_ queue: QueueAddress) -> String { queue.isFIFO ? "FIFO" : "standard" }

  private func days(_ seconds: Int) -> String {
    seconds < 172_800 ? "\(seconds / 3600) h" : "\(seconds / 86_400) days"
  }
}
