import Foundation
import Metrics
import Tracing
import WorkerKit

/// The spans and metrics of calls to one queue, by OpenTelemetry's messaging conventions.
struct QueueInstruments: Sendable {
  private let destination: String
  private let queueURL: String
  private let server: URL
  private let tracing: TracingConfiguration
  private let durations: Instruments<Timer>
  private let sent: Counter

  init(destination: String, queueURL: String, server: URL, tracing: TracingConfiguration) {
    self.destination = destination
    self.queueURL = queueURL
    self.server = server
    self.tracing = tracing
    durations = Instruments(
      fixed: [(MetricLabel.destination, destination)], labels: [MetricLabel.operation, MetricLabel.errorType]
    ) { Timer(label: MetricDescription.operationDuration.label, dimensions: $0) }
    sent = Counter(
      label: MetricDescription.sentMessages.label, dimensions: [(MetricLabel.destination, destination)])
  }

  /// Records the duration of a call.
  func timing<Result>(_ operation: String, _ call: () async throws -> Result) async throws -> Result {
    let start = ContinuousClock.now
    var errorType = ""
    defer { durations[operation, errorType].record(duration: start.duration(to: .now)) }
    do {
      return try await call()
    } catch {
      errorType = error is CancellationError ? "cancelled" : QueueError(wrapping: error).kind.rawValue
      throw error
    }
  }

  /// Creates a span for a call.
  func spanning<Result>(
    _ operation: TracingConfiguration.Operation, _ call: (any Span) async throws -> Result
  ) async throws -> Result {
    let span = startSpan(
      tracing.spanName(operation, destination), ofKind: operation == .send ? .producer : .client)
    defer { span.end() }
    if span.isRecording { describe(operation, in: span) }
    do {
      return try await ServiceContext.withValue(span.context) { try await call(span) }
    } catch {
      let failure = QueueError(wrapping: error)
      // A long poll that is cancelled by a shutdown is not a failure.
      guard !(error is CancellationError) else { throw error }
      span.attributes["error.type"] = failure.code.rawValue
      span.attributes["aws.request_id"] = failure.requestID
      span.setStatus(SpanStatus(code: .error, message: failure.message))
      throw error
    }
  }

  private func describe(_ operation: TracingConfiguration.Operation, in span: any Span) {
    span.updateAttributes { attributes in
      attributes["messaging.system"] = "aws_sqs"
      attributes["messaging.operation.name"] = operation.rawValue
      attributes["messaging.operation.type"] = operation.rawValue
      attributes["messaging.destination.name"] = destination
      attributes["aws.sqs.queue.url"] = queueURL
      attributes["server.address"] = server.host
      attributes["server.port"] = server.port ?? (server.scheme == "http" ? 80 : 443)
    }
  }

  /// Records the result of a receive in its span: the number of messages, and links to the producers' spans.
  func record(_ messages: [ReceivedMessage], requestID: String?, in span: any Span) {
    guard span.isRecording else { return }
    span.attributes["messaging.batch.message_count"] = messages.count
    span.attributes["aws.request_id"] = requestID
    for message in messages {
      var producer = ServiceContext.topLevel
      MessageContext.extract(message.attributes, traceHeader: message.traceHeader, into: &producer)
      guard !producer.isEmpty else { continue }
      span.addLink(SpanLink(context: producer, attributes: ["messaging.message.id": .string(message.id)]))
    }
  }

  /// Counts sent messages, and records their ids in the span.
  func record(_ outcomes: [Result<String, QueueError>], in span: any Span) {
    let ids = outcomes.compactMap { try? $0.get() }
    sent.increment(by: ids.count)
    if outcomes.count > 1 {
      span.attributes["messaging.batch.message_count"] = outcomes.count
    } else {
      span.attributes["messaging.message.id"] = ids.first
    }
    for case .failure(let error) in outcomes {
      span.attributes["error.type"] = error.code.rawValue
      span.setStatus(SpanStatus(code: .error, message: error.message))
    }
  }
}
