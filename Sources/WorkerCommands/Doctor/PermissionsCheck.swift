import WorkerKit
import WorkerSQS

/// Checks the worker's permissions on a queue and its dead-letter queue, with requests that have no effect.
struct PermissionsCheck {
  private typealias Tried = (action: String, verdict: QueueInspector.Verdict)

  let queue: QueueConfiguration
  let inspector: QueueInspector
  /// The result of reading the queue's attributes.
  let attributes: Result<[String: String], QueueError>
  let deadLetters: DeadLetterQueueState?

  /// The permissions on the queue.
  func queueFindings() async -> [Finding] {
    let canReadAttributes: QueueInspector.Verdict = attributes.error == nil ? .allowed : .denied
    var tried: [Tried] = []
    for permission in [QueueInspector.Permission.receiveMessage, .deleteMessage, .changeMessageVisibility] {
      tried.append((permission.rawValue, await Self.verdict(on: permission, inspector)))
    }
    tried.append(("sqs:GetQueueAttributes", canReadAttributes))
    let own = try? attributes.get()
    let address = own?["QueueArn"].flatMap(QueueAddress.init) ?? QueueAddress(url: queue.url, region: queue.region)
    return Self.findings(tried, on: address) + encryption(own ?? [:])
  }

  /// The permissions on the dead-letter queue.
  func deadLetterFindings() async -> [Finding] {
    guard let deadLetters else {
      return attributes.error == nil
        ? []
        : [.skipped("on the dead-letter queue: not tried, because the redrive policy, which names it, cannot be read")]
    }
    switch deadLetters.queue {
    case .success(let inspector):
      let send = await Self.verdict(on: .sendMessage, inspector)
      return Self.findings(
        [(QueueInspector.Permission.sendMessage.rawValue, send), ("sqs:GetQueueUrl", .allowed)], on: deadLetters.address
      )
    case .failure(let error) where error.isAccessDenied:
      let why = "its URL is not known without sqs:GetQueueUrl"
      return Self.findings(
        [("sqs:GetQueueUrl", .denied), (QueueInspector.Permission.sendMessage.rawValue, .unknown(why))],
        on: deadLetters.address)
    case .failure:
      return []
    }
  }

  private static func verdict(
    on permission: QueueInspector.Permission, _ inspector: QueueInspector
  ) async -> QueueInspector.Verdict {
    switch await QueueCheck.result({ await inspector.verdict(on: permission) }) {
    case .success(let verdict): verdict
    case .failure(let error): .unknown("\(error)")
    }
  }

  private static func findings(_ tried: [Tried], on address: QueueAddress?) -> [Finding] {
    let name = address?.name ?? "the queue"
    let allowed = tried.filter { $0.verdict == .allowed }.map(\.action)
    let denied = tried.filter { $0.verdict == .denied }.map(\.action)
    var findings: [Finding] = []
    if !allowed.isEmpty { findings.append(.ok("\(allowed.joined(separator: ", ")) on \(name)")) }
    if !denied.isEmpty {
      findings.append(
        Finding(
          .wrong, "\(denied.joined(separator: ", ")) on \(name): denied; the credentials' policy lacks this statement",
          remedy: address.map { [statement(denied, on: $0.arn)] } ?? []))
    }
    for case (let action, .unknown(let why)) in tried {
      findings.append(.warning("\(action) on \(name): could not be checked: \(why)"))
    }
    return findings
  }

  /// Only an existing message could show whether the key may be used.
  private func encryption(_ attributes: [String: String]) -> [Finding] {
    guard let key = attributes["KmsMasterKeyId"], !key.isEmpty, key != "alias/aws/sqs" else { return [] }
    return [.skipped("kms:Decrypt on \(key), which the queue is encrypted with: it takes a message to try it")]
  }

  /// A policy statement for the identity of the credentials.
  static func statement(_ actions: [String], on arn: String) -> String {
    let list = actions.map { "\"\($0)\"" }.joined(separator: ",")
    return #"{"Effect":"Allow","Action":[\#(list)],"Resource":"\#(arn)"}"#
  }
}
