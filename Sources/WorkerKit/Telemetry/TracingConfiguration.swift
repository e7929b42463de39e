/// How spans are named and related: `tracing:` in `routes.yaml`.
public struct TracingConfiguration: Sendable, Hashable {
  /// The naming scheme of spans.
  public enum SpanNames: String, Sendable, CaseIterable {
    /// `sqs.poll`, `sqs.process_message`, `sqs.send`.
    case sqs
    /// The names of OpenTelemetry's messaging conventions: `receive prizes`, `process prizes`, `send prizes`.
    case conventions
  }

  /// How the span of a message's processing relates to the trace context that the message carries.
  public enum Producer: String, Sendable, CaseIterable {
    /// The span belongs to the producer's trace.
    case parent
    /// The span starts a trace of its own, with a link to the producer's trace.
    case link
  }

  /// The naming scheme of spans.
  public var spanNames = SpanNames.sqs
  /// How the span of a message's processing relates to the producer's.
  public var producer = Producer.parent

  /// Creates the default configuration: ``SpanNames/sqs`` and ``Producer/parent``.
  public init() {}

  /// The operations on messages.
  package enum Operation: String {
    case receive, process, send
  }

  package func spanName(_ operation: Operation, _ destination: String) -> String {
    guard spanNames == .sqs else { return "\(operation) \(destination)" }
    switch operation {
    case .receive: return "sqs.poll"
    case .process: return "sqs.process_message"
    case .send: return "sqs.send"
    }
  }
}
