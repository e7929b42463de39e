package import Foundation
package import WorkerHTTP
package import WorkerKit

/// Reads a queue's attributes, and checks the worker's permissions on it. It receives, sends and deletes nothing.
package struct QueueInspector: Sendable {
  /// The permissions that the worker needs on a queue.
  package enum Permission: String, Sendable, CaseIterable {
    case receiveMessage = "sqs:ReceiveMessage"
    case deleteMessage = "sqs:DeleteMessage"
    case changeMessageVisibility = "sqs:ChangeMessageVisibility"
    case sendMessage = "sqs:SendMessage"
  }

  package enum Verdict: Sendable, Hashable {
    case allowed
    case denied
    /// Unknown; the value is the reason, for people.
    case unknown(String)
  }

  package let url: String
  private let client: SQSClient

  /// Creates an inspector.
  ///
  /// - Throws: A ``QueueError`` if the URL or the endpoint is invalid.
  package init(
    url: String, region: String?, client: CurlClient, credentials: CredentialsChain, environment: [String: String]
  ) throws {
    self.init(
      url: try SQSClient.queueURL(url).text,
      client: try SQSClient(
        queueURL: url, region: region, credentials: credentials, environment: environment, execute: client.execute))
  }

  private init(url: String, client: SQSClient) {
    self.url = url
    self.client = client
  }

  /// The endpoint of a queue's requests: scheme, host, port and the path of a configured endpoint.
  package static func endpoint(of url: String, environment: [String: String]) throws -> URL {
    try SQSClient.endpoint(ofQueueAt: url, environment: environment)
  }

  /// All attributes of the queue, by SQS's names.
  package func attributes() async throws -> [String: String] {
    var input = Wire.GetQueueAttributes(QueueUrl: url)
    input.AttributeNames = ["All"]
    let answer = try await client.call("GetQueueAttributes", input).body
    return try decode(Wire.QueueAttributesResult.self, answer, "GetQueueAttributes").values
  }

  /// Parses a redrive policy.
  ///
  /// - Returns: nil if the attribute is invalid.
  package static func redrivePolicy(in attribute: String) -> QueueAttributes.RedrivePolicy? {
    guard let policy = try? JSONDecoder().decode(Wire.RedrivePolicy.self, from: Data(attribute.utf8)) else {
      return nil
    }
    return .init(deadLetterTargetArn: policy.deadLetterTargetArn, maxReceiveCount: policy.maxReceiveCount)
  }

  /// Another queue, by name and account.
  package func queue(named name: String, account: String) async throws -> QueueInspector {
    let input = Wire.GetQueueUrl(QueueName: name, QueueOwnerAWSAccountId: account.isEmpty ? nil : account)
    let answer = try await client.call("GetQueueUrl", input).body
    let url = try decode(Wire.QueueUrlResult.self, answer, "GetQueueUrl").QueueUrl
    return QueueInspector(url: url, client: client)
  }

  /// Checks a permission with a request that has no effect.
  ///
  /// | permission | request | error if permitted |
  /// |---|---|---|
  /// | ReceiveMessage | at most no message, a negative visibility timeout | `InvalidParameterValue` |
  /// | DeleteMessage, ChangeMessageVisibility | a batch with one invented receipt handle | `ReceiptHandleIsInvalid` of the entry |
  /// | SendMessage | a batch of no messages | `EmptyBatchRequest` |
  ///
  /// A real receive, even without a visibility timeout, counts as a receive and can dead-letter the message. SQS
  /// rejects an empty message, but less strict servers accept it; an empty batch has no effect on any server. AWS does
  /// not document that it checks permissions before parameters. The result of a batch entry requires the permission.
  /// For the two other requests, a service that checked parameters first would hide a missing permission.
  package func verdict(on permission: Permission) async -> Verdict {
    do {
      switch permission {
      case .receiveMessage:
        let answer = try await client.call(
          "ReceiveMessage",
          Wire.ReceiveMessage(QueueUrl: url, MaxNumberOfMessages: 0, WaitTimeSeconds: 0, VisibilityTimeout: -1)
        ).body
        return await makeVisible(answer)
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

  /// SQS returns results for the entries of a batch only to callers with the permission.
  private static func verdict(onEntriesOf answer: [UInt8]) -> Verdict {
    guard case .failure(let failure)?? = (try? BatchResult(answer, count: 1))?.outcomes.first else { return .allowed }
    let error = SQSError.make(code: failure.code, message: failure.message, operation: "")
    return error.isLeaseLost ? .allowed : verdict(on: error)
  }

  /// A server that accepts a request that SQS rejects may have returned messages. This makes them visible again.
  private func makeVisible(_ answer: [UInt8]) async -> Verdict {
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
