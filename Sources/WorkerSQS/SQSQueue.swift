public import Foundation
public import Logging
public import WorkerHTTP
public import WorkerKit
import WorkerLocks

/// A queue on SQS, or on any server with SQS's protocol.
///
///     let queue = try SQSQueue(
///       url: "https://sqs.us-east-1.amazonaws.com/123456789012/prizes", region: "us-east-1",
///       client: CurlClient(), logger: logger)
public final class SQSQueue: MessageQueue {
  /// The version of the libcrypto that signs requests.
  package static var libraryVersion: String { Crypto.libraryVersion }

  public let name: String
  private let url: String
  private let client: SQSClient
  private let tracing: TracingConfiguration
  private let instruments: QueueInstruments
  private let logger: Logger
  /// The dead-letter queue that was looked up, and the ARN that it was named by.
  private let deadLetters = Mutex<(arn: String, queue: SQSQueue)?>(nil)

  /// Creates a queue.
  ///
  /// - Parameters:
  ///   - url: The queue's URL, as SQS returns it. Its scheme, host and port are the endpoint, unless
  ///     `AWS_ENDPOINT_URL_SQS`, `AWS_ENDPOINT_URL` or the profile's `endpoint_url` sets another.
  ///   - region: The region that requests are signed for. The default is the first of `AWS_REGION`,
  ///     `AWS_DEFAULT_REGION`, the profile's `region`, the region in the URL, and us-east-1.
  ///   - client: The HTTP client, usually shared by the whole process.
  ///   - credentials: The credentials chain, shared by queues with the same credentials; nil to create a new chain.
  ///   - tracing: How spans are named.
  ///   - environment: The environment variables of the process.
  /// - Throws: A ``QueueError`` if the URL, the endpoint or the region is invalid, or if a shared file cannot be read.
  public convenience init(
    url: String,
    region: String? = nil,
    client: CurlClient,
    credentials: CredentialsChain? = nil,
    tracing: TracingConfiguration = TracingConfiguration(),
    logger: Logger,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws {
    let region = try region ?? SQSClient.region(ofQueueAt: url, environment: environment)
    try self.init(
      url: url, region: region,
      credentials: credentials
        ?? CredentialsChain(environment: environment, region: region, client: client, logger: logger),
      tracing: tracing, logger: logger, environment: environment, execute: client.execute)
  }

  /// Creates a queue with another HTTP transport.
  package convenience init(
    url: String, region: String?, credentials: CredentialsChain, tracing: TracingConfiguration = TracingConfiguration(),
    logger: Logger, environment: [String: String],
    execute: @escaping @Sendable (HTTPClientRequest) async throws -> HTTPClientResponse
  ) throws {
    self.init(
      url: try SQSClient.queueURL(url).text,
      client: try SQSClient(
        queueURL: url, region: region, credentials: credentials, environment: environment, execute: execute),
      tracing: tracing, logger: logger)
  }

  init(url: String, client: SQSClient, tracing: TracingConfiguration = TracingConfiguration(), logger: Logger) {
    self.url = url
    self.client = client
    self.tracing = tracing
    self.logger = logger
    name = QueueURL(url)?.name ?? url
    instruments = QueueInstruments(
      destination: name, queueURL: url, server: client.endpoint, tracing: tracing)
  }

  /// The URL without parts that may be secret, and the endpoint if it is another server.
  package var address: String {
    guard var parts = URLComponents(string: url) else { return name }
    (parts.user, parts.password, parts.query, parts.fragment) = (nil, nil, nil, nil)
    let text = parts.string ?? name
    let isThere = client.endpoint.host == parts.host && client.endpoint.port == parts.port
    return isThere ? text : "\(text) at \(client.endpoint.scheme ?? "")://\(client.endpoint.hostHeader)"
  }

  public func receive(
    maxMessages: Int, waitTime: Duration, visibilityTimeout: Duration
  ) async throws -> [ReceivedMessage] {
    let input = Wire.ReceiveMessage(
      QueueUrl: url, MaxNumberOfMessages: maxMessages, WaitTimeSeconds: waitTime.inWholeSeconds,
      VisibilityTimeout: visibilityTimeout.inWholeSeconds)
    let result = try await instruments.spanning(.receive) { span in
      let answer = try await call("ReceiveMessage", input, patience: waitTime)
      do {
        let result = try ReceiveResult(answer.body, keepsOrder: isFIFO)
        instruments.record(result.messages, requestID: answer.requestID, in: span)
        return result
      } catch {
        throw Self.invalidResponse("ReceiveMessage")
      }
    }
    for id in result.corrupted {
      logger.warning(
        "a message does not match its MD5; it was damaged in transit, and is delivered again after its visibility timeout",
        metadata: ["queue": "\(name)", "messageId": "\(id)"])
    }
    return result.messages
  }

  public func delete(_ receiptHandles: [String]) async throws -> [Result<Void, QueueError>] {
    try await batch(
      "DeleteMessageBatch", Wire.DeleteMessageBatch(QueueUrl: url, receiptHandles: receiptHandles),
      count: receiptHandles.count
    ).map { $0.map { _ in } }
  }

  public func changeVisibility(_ changes: [VisibilityChange]) async throws -> [Result<Void, QueueError>] {
    try await batch(
      "ChangeMessageVisibilityBatch", Wire.ChangeMessageVisibilityBatch(QueueUrl: url, changes: changes),
      count: changes.count
    ).map { $0.map { _ in } }
  }

  public func send(_ messages: [OutgoingMessage]) async throws -> [Result<String, QueueError>] {
    var results: [Result<String, QueueError>] = []
    for part in Self.parts(messages) {
      results += try await instruments.spanning(.send) { span in
        let outcomes = try await send(part: part.map(MessageContext.injecting))
        instruments.record(outcomes, in: span)
        return outcomes
      }
    }
    return results
  }

  private func send(part: [OutgoingMessage]) async throws -> [Result<String, QueueError>] {
    if part.count == 1, let message = part.first { return [try await send(message)] }
    let outcomes = try await batch(
      "SendMessageBatch", Wire.SendMessageBatch(QueueUrl: url, messages: part), count: part.count)
    return zip(part, outcomes).map(Self.checked)
  }

  /// Sends one message with `SendMessage`, which every server supports.
  private func send(_ message: OutgoingMessage) async throws -> Result<String, QueueError> {
    do {
      let answer = try await call("SendMessage", Wire.SendMessage(QueueUrl: url, message: message))
      let result = try decode(Wire.SendMessageResult.self, answer.body, "SendMessage")
      return Self.checked(
        message, .success(.init(messageID: result.MessageId, bodyDigest: result.MD5OfMessageBody)))
    } catch let error as QueueError where error.status == 400 && error.kind == .badRequest && !error.isAccessDenied {
      // The message itself is invalid, so the error is the entry's outcome.
      return .failure(error)
    }
  }

  /// Verifies that a message arrived intact, and returns its id.
  private static func checked(
    _ message: OutgoingMessage, _ outcome: Result<BatchResult.Success, QueueError>
  ) -> Result<String, QueueError> {
    outcome.flatMap { success in
      if let digest = success.bodyDigest, let own = Crypto.md5(message.body.utf8), !own.isHexadecimal(digest.utf8) {
        return .failure(
          QueueError(
            code: .invalidResponse, kind: .unavailable,
            message: "the queue has taken another body than was sent: it was damaged on its way"))
      }
      return .success(success.messageID)
    }
  }

  public func attributes() async throws -> QueueAttributes {
    let answer = try await call("GetQueueAttributes", Wire.GetQueueAttributes(QueueUrl: url))
    let values = try decode(Wire.QueueAttributesResult.self, answer.body, "GetQueueAttributes").values
    func number(_ name: String) -> Int { values[name].flatMap { Int($0) } ?? 0 }
    let policy = values["RedrivePolicy"].flatMap {
      try? JSONDecoder().decode(Wire.RedrivePolicy.self, from: Data($0.utf8))
    }
    deadLetters.withLock { if $0?.arn != policy?.deadLetterTargetArn { $0 = nil } }
    return QueueAttributes(
      redrivePolicy: policy.map {
        .init(deadLetterTargetArn: $0.deadLetterTargetArn, maxReceiveCount: $0.maxReceiveCount)
      },
      visibilityTimeout: .seconds(number("VisibilityTimeout")),
      visibleMessages: number("ApproximateNumberOfMessages"),
      messagesInFlight: number("ApproximateNumberOfMessagesNotVisible"),
      delayedMessages: number("ApproximateNumberOfMessagesDelayed"), answeredAt: answer.date)
  }

  /// Looked up once, until ``attributes()`` finds that the redrive policy names another queue.
  public func deadLetterQueue() async throws -> (any MessageQueue)? {
    if let known = deadLetters.withLock({ $0?.queue }) { return known }
    guard let arn = try await attributes().redrivePolicy?.deadLetterTargetArn else { return nil }
    // arn:aws:sqs:region:account:name
    let parts = arn.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    // Dead letters that were sent to the queue itself would be received as messages, endlessly.
    guard parts.count == 6, parts[5] != name else { throw Self.invalidResponse("GetQueueAttributes") }
    let answer = try await call(
      "GetQueueUrl", Wire.GetQueueUrl(QueueName: parts[5], QueueOwnerAWSAccountId: parts[4].isEmpty ? nil : parts[4]))
    let url = try decode(Wire.QueueUrlResult.self, answer.body, "GetQueueUrl").QueueUrl
    let queue = SQSQueue(url: url, client: client, tracing: tracing, logger: logger)
    // The dead-letter queue is cached until the worker stops, so a damaged response must be rejected.
    guard queue.name == parts[5] else { throw Self.invalidResponse("GetQueueUrl") }
    deadLetters.withLock { $0 = (arn, queue) }
    return queue
  }

  /// Sends a batch request.
  ///
  /// - Returns: The outcomes of its entries, in order.
  private func batch(
    _ operation: String, _ input: some Wire.Request, count: Int
  ) async throws -> [Result<BatchResult.Success, QueueError>] {
    let answer = try await call(operation, input)
    guard let result = try? BatchResult(answer.body, count: count) else { throw Self.invalidResponse(operation) }
    return result.outcomes.map { outcome in
      switch outcome {
      case .success(let success): .success(success)
      case .failure(let failure):
        .failure(SQSError.make(code: failure.code, message: failure.message, operation: operation))
      case nil:
        .failure(
          QueueError(
            code: .invalidResponse, kind: .unavailable,
            message: "\(operation) answered nothing for one of its entries"))
      }
    }
  }

  private func call(
    _ operation: String, _ input: some Wire.Request, patience: Duration = .zero
  ) async throws -> HTTPClientResponse {
    try await instruments.timing(operation) { try await client.call(operation, input, patience: patience) }
  }

  /// Foundation's decoder is good enough for responses other than those of receives and batches: they are few and small, and one
  /// that is broken affects no message.
  private func decode<Answer: Decodable>(_ type: Answer.Type, _ bytes: [UInt8], _ operation: String) throws -> Answer {
    do {
      return try JSONDecoder().decode(type, from: Data(bytes))
    } catch {
      throw Self.invalidResponse(operation)
    }
  }

  static func invalidResponse(_ operation: String) -> QueueError {
    QueueError(
      code: .invalidResponse, kind: .unavailable,
      message: "the answer to \(operation) is not SQS's; check that the endpoint is an SQS-compatible server")
  }

  /// Splits messages into batches of at most ten entries, within SQS's size limit.
  static func parts(_ messages: [OutgoingMessage]) -> [[OutgoingMessage]] {
    var parts: [[OutgoingMessage]] = []
    var size = 0
    for message in messages {
      // A trace context may be added to each message.
      let own = message.size + MessageContext.largestSize
      if var last = parts.last, last.count < 10, size + own <= OutgoingMessage.sizeLimit {
        last.append(message)
        parts[parts.count - 1] = last
        size += own
      } else {
        parts.append([message])
        size = own
      }
    }
    return parts
  }
}
