public import Foundation
public import Logging

/// A queue of SQS's, or of any server that speaks its protocol.
///
///     let queue = try SQSQueue(
///       url: "https://sqs.us-east-1.amazonaws.com/123456789012/prizes", region: "us-east-1",
///       client: CurlClient(), logger: logger)
public final class SQSQueue: MessageQueue {
  public let name: String
  private let url: String
  private let client: SQSClient
  private let tracing: TracingConfiguration
  private let instruments: QueueInstruments
  private let logger: Logger
  private let deadLetters = Locked<SQSQueue?>(nil)

  /// - Parameters:
  ///   - url: The queue's, as SQS gives it. Its scheme, host and port are the endpoint, unless
  ///     `AWS_ENDPOINT_URL_SQS` or `AWS_ENDPOINT_URL` names another.
  ///   - region: Requests are signed for it.
  ///   - client: Shared by all that speak HTTP in the process.
  ///   - credentials: Shared by all queues that have the same; a chain of its own, where none are given.
  ///   - tracing: How the spans are named.
  ///   - environment: Of the process.
  /// - Throws: a ``QueueError`` where the URL or the endpoint is none.
  public convenience init(
    url: String,
    region: String,
    client: CurlClient,
    credentials: CredentialsChain? = nil,
    tracing: TracingConfiguration = TracingConfiguration(),
    logger: Logger,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws {
    try self.init(
      url: url, region: region,
      credentials: credentials
        ?? CredentialsChain(environment: environment, region: region, client: client, logger: logger),
      tracing: tracing, logger: logger, environment: environment, execute: client.execute)
  }

  /// The same over another way to have requests answered.
  package convenience init(
    url: String, region: String, credentials: CredentialsChain, tracing: TracingConfiguration = TracingConfiguration(),
    logger: Logger, environment: [String: String],
    execute: @escaping @Sendable (HTTPRequest) async throws -> HTTPResponse
  ) throws {
    self.init(
      url: url,
      client: SQSClient(
        endpoint: try Self.endpoint(for: url, environment: environment), region: region, credentials: credentials,
        execute: execute),
      tracing: tracing, logger: logger)
  }

  init(url: String, client: SQSClient, tracing: TracingConfiguration = TracingConfiguration(), logger: Logger) {
    self.url = url
    self.client = client
    self.tracing = tracing
    self.logger = logger
    name = url.split(separator: "/").last.map(String.init) ?? url
    instruments = QueueInstruments(
      destination: name, queueURL: url, server: client.endpoint, tracing: tracing)
  }

  static func endpoint(for url: String, environment: [String: String]) throws -> URL {
    for variable in ["AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL"] {
      guard let text = environment[variable], !text.isEmpty else { continue }
      return try origin(of: text, "the environment variable \(variable)")
    }
    return try origin(of: url, "the queue's URL")
  }

  /// Scheme, host and port.
  private static func origin(of text: String, _ what: String) throws -> URL {
    guard var parts = URLComponents(string: text), ["http", "https"].contains(parts.scheme), parts.host != nil else {
      throw QueueError(
        code: .init(rawValue: "InvalidEndpoint"), kind: .badRequest,
        message: "\(what) must be an address such as https://sqs.us-east-1.amazonaws.com, but it is `\(text)`")
    }
    parts.path = "/"
    parts.query = nil
    parts.fragment = nil
    parts.user = nil
    parts.password = nil
    guard let url = parts.url else { preconditionFailure("a scheme and a host make a URL") }
    return url
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
        instruments.note(result.messages, requestID: answer.requestID, in: span)
        return result
      } catch {
        throw Self.invalidResponse("ReceiveMessage")
      }
    }
    for id in result.corrupted {
      logger.warning(
        "a message does not match its MD5: it was damaged on its way, and comes again after its timeout",
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
        instruments.note(outcomes, in: span)
        return outcomes
      }
    }
    return results
  }

  private func send(part: [OutgoingMessage]) async throws -> [Result<String, QueueError>] {
    let outcomes = try await batch(
      "SendMessageBatch", Wire.SendMessageBatch(QueueUrl: url, messages: part), count: part.count)
    return zip(part, outcomes).map(Self.checked)
  }

  /// The id of a message that arrived whole.
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
    let values = try decode(Wire.QueueAttributesResult.self, answer.body, "GetQueueAttributes").Attributes ?? [:]
    func number(_ name: String) -> Int { values[name].flatMap { Int($0) } ?? 0 }
    let policy = values["RedrivePolicy"].flatMap {
      try? JSONDecoder().decode(Wire.RedrivePolicy.self, from: Data($0.utf8))
    }
    return QueueAttributes(
      redrivePolicy: policy.map {
        .init(deadLetterTargetArn: $0.deadLetterTargetArn, maxReceiveCount: $0.maxReceiveCount)
      },
      visibilityTimeout: .seconds(number("VisibilityTimeout")),
      visibleMessages: number("ApproximateNumberOfMessages"),
      messagesInFlight: number("ApproximateNumberOfMessagesNotVisible"),
      delayedMessages: number("ApproximateNumberOfMessagesDelayed"))
  }

  /// Looked up once; a policy that is changed later counts from the next start.
  public func deadLetterQueue() async throws -> (any MessageQueue)? {
    if let known = deadLetters.withLock({ $0 }) { return known }
    guard let arn = try await attributes().redrivePolicy?.deadLetterTargetArn else { return nil }
    // arn:aws:sqs:region:account:name
    let parts = arn.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    // Letters to the queue itself would be received as messages, without end.
    guard parts.count == 6, parts[5] != name else { throw Self.invalidResponse("GetQueueAttributes") }
    let answer = try await call(
      "GetQueueUrl", Wire.GetQueueUrl(QueueName: parts[5], QueueOwnerAWSAccountId: parts[4].isEmpty ? nil : parts[4]))
    let url = try decode(Wire.QueueUrlResult.self, answer.body, "GetQueueUrl").QueueUrl
    let queue = SQSQueue(url: url, client: client, tracing: tracing, logger: logger)
    // It is kept for as long as the worker runs, so it must not come from an answer that was damaged on its way.
    guard queue.name == parts[5] else { throw Self.invalidResponse("GetQueueUrl") }
    deadLetters.withLock { $0 = queue }
    return queue
  }

  /// Sends a batch.
  ///
  /// - Returns: what became of its entries, in their order.
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
  ) async throws -> HTTPResponse {
    try await instruments.timing(operation) { try await client.call(operation, input, patience: patience) }
  }

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

  /// Splits messages so that each part keeps to SQS's ten entries and to its size for a batch.
  static func parts(_ messages: [OutgoingMessage]) -> [[OutgoingMessage]] {
    var parts: [[OutgoingMessage]] = []
    var size = 0
    for message in messages {
      // Each may get a trace context on its way.
      let own = message.size + MessageContext.largestSize
      if var last = parts.last, last.count < 10, size + own <= DeadLetterOffice.messageSizeLimit {
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
