package import Foundation

/// Asks a queue about itself and tries what the worker may do with it, without receiving, sending or deleting anything.
package struct QueueInspector: Sendable {
  /// What the worker does with a queue, and needs permission for.
  package enum Permission: String, Sendable, CaseIterable {
    case receiveMessage = "sqs:ReceiveMessage"
    case deleteMessage = "sqs:DeleteMessage"
    case changeMessageVisibility = "sqs:ChangeMessageVisibility"
    case sendMessage = "sqs:SendMessage"
  }

  package enum Verdict: Sendable, Hashable {
    case allowed
    case denied
    /// Neither can be told; why, for people.
    case unknown(String)
  }

  package let url: String
  private let client: SQSClient

  /// - Throws: a ``QueueError`` where the URL or the endpoint is none.
  package init(
    url: String, region: String, client: CurlClient, credentials: CredentialsChain, environment: [String: String]
  ) throws {
    self.init(
      url: url,
      client: SQSClient(
        endpoint: try Self.endpoint(of: url, environment: environment), region: region, credentials: credentials,
        execute: client.execute))
  }

  private init(url: String, client: SQSClient) {
    self.url = url
    self.client = client
  }

  /// Where a queue's requests go: scheme, host and port.
  package static func endpoint(of url: String, environment: [String: String]) throws -> URL {
    try SQSQueue.endpoint(for: url, environment: environment)
  }

  /// All of the queue's attributes, by SQS's names.
  package func attributes() async throws -> [String: String] {
    var input = Wire.GetQueueAttributes(QueueUrl: url)
    input.AttributeNames = ["All"]
    let answer = try await client.call("GetQueueAttributes", input).body
    return try decode(Wire.QueueAttributesResult.self, answer, "GetQueueAttributes").Attributes ?? [:]
  }

  /// - Returns: nil where the attribute is none.
  package static func redrivePolicy(in attribute: String) -> QueueAttributes.RedrivePolicy? {
    guard let policy = try? JSONDecoder().decode(Wire.RedrivePolicy.self, from: Data(attribute.utf8)) else {
      return nil
    }
    return .init(deadLetterTargetArn: policy.deadLetterTargetArn, maxReceiveCount: policy.maxReceiveCount)
  }

  /// Another queue, by its name and account.
  package func queue(named name: String, account: String) async throws -> QueueInspector {
    let input = Wire.GetQueueUrl(QueueName: name, QueueOwnerAWSAccountId: account.isEmpty ? nil : account)
    let answer = try await client.call("GetQueueUrl", input).body
    let url = try decode(Wire.QueueUrlResult.self, answer, "GetQueueUrl").QueueUrl
    return QueueInspector(url: url, client: client)
  }

  /// Tries whether something is permitted by a request that can do nothing.
  ///
  /// | permission | request | refused with, where it is permitted |
  /// |---|---|---|
  /// | ReceiveMessage | no message at most, a visibility timeout below zero | `InvalidParameterValue` |
  /// | DeleteMessage, ChangeMessageVisibility | a batch of one made-up receipt handle | `ReceiptHandleIsInvalid` of the entry |
  /// | SendMessage | a batch of no messages | `EmptyBatchRequest` |
  ///
  /// To receive for real, even for no time at all, counts as a receive, and can be the one that dead-letters the
  /// message. An empty message is refused by SQS, and taken by servers that check less; an empty batch sends nothing
  /// anywhere. AWS does not say that it looks at permissions before parameters. The answer of an entry can only come after;
  /// for the two others a service that looked at parameters first would hide a missing permission.
  package func verdict(on permission: Permission) async -> Verdict {
    do {
      switch permission {
      case .receiveMessage:
        let answer = try await client.call(
          "ReceiveMessage",
          Wire.ReceiveMessage(QueueUrl: url, MaxNumberOfMessages: 0, WaitTimeSeconds: 0, VisibilityTimeout: -1)
        ).body
        return await giveBack(answer)
      case .deleteMessage:
        return Self.verdict(
          onEntriesOf: try await client.call(
            "DeleteMessageBatch", Wire.DeleteMessageBatch(QueueUrl: url, receiptHandles: [Self.madeUpHandle])
          ).body)
      case .changeMessageVisibility:
        let change = VisibilityChange(receiptHandle: Self.madeUpHandle, timeout: .zero)
        return Self.verdict(
          onEntriesOf: try await client.call(
            "ChangeMessageVisibilityBatch", Wire.ChangeMessageVisibilityBatch(QueueUrl: url, changes: [change])
          ).body)
      case .sendMessage:
        _ = try await client.call("SendMessageBatch", Wire.SendMessageBatch(QueueUrl: url, messages: []))
        return .allowed
      }
    } catch let error as QueueError {
      return Self.verdict(on: error)
    } catch {
      return .unknown("\(error)")
    }
  }

  private static let madeUpHandle = "worker-doctor-made-this-up"

  static func verdict(on error: QueueError) -> Verdict {
    if error.isAccessDenied { return .denied }
    let expected = [
      "InvalidParameterValue", "ReadCountOutOfRange", "EmptyBatchRequest", "ReceiptHandleIsInvalid", "InvalidInput",
    ]
    return expected.contains(error.code.shortName) ? .allowed : .unknown("\(error)")
  }

  /// A batch is looked into, and each entry answered, only for those who may.
  private static func verdict(onEntriesOf answer: [UInt8]) -> Verdict {
    guard case .failure(let failure)?? = (try? BatchResult(answer, count: 1))?.outcomes.first else { return .allowed }
    let error = SQSError.make(code: failure.code, message: failure.message, operation: "")
    return error.isLeaseLost ? .allowed : verdict(on: error)
  }

  /// A server that answered what SQS refuses may have received.
  private func giveBack(_ answer: [UInt8]) async -> Verdict {
    let messages = (try? ReceiveResult(answer))?.messages ?? []
    guard !messages.isEmpty else { return .allowed }
    let changes = messages.map { VisibilityChange(receiptHandle: $0.receiptHandle, timeout: .zero) }
    _ = try? await client.call(
      "ChangeMessageVisibilityBatch", Wire.ChangeMessageVisibilityBatch(QueueUrl: url, changes: changes))
    return .unknown(
      "the server takes a request for no message, which SQS refuses, and gave one: that counted as a receive")
  }

  private func decode<Answer: Decodable>(_ type: Answer.Type, _ bytes: [UInt8], _ operation: String) throws -> Answer {
    do {
      return try JSONDecoder().decode(type, from: Data(bytes))
    } catch {
      throw SQSQueue.invalidResponse(operation)
    }
  }
}
