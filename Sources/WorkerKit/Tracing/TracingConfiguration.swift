/// How spans are named, and how they hang together: `tracing:` in `routes.yaml`.
public struct TracingConfiguration: Sendable, Hashable {
  public enum SpanNames: String, Sendable, CaseIterable {
    /// `sqs.poll`, `sqs.process_message`, `sqs.send`.
    case sqs
    /// Those of OpenTelemetry's messaging conventions: `receive prizes`, `process prizes`, `send prizes`.
    case conventions
  }

  /// What the context that a message carries is to the span of its processing.
  public enum Producer: String, Sendable, CaseIterable {
    /// The span goes on in the producer's trace.
    case parent
    /// The span begins a trace of its own, with a link to the producer's.
    case link
  }

  public var spanNames = SpanNames.sqs
  public var producer = Producer.parent

  public init() {}

  enum Keys {
    static let spanNames = ConfigurationKey(
      "spanNames", default: SpanNames.sqs,
      "`sqs`: sqs.poll, sqs.process_message; `conventions`: receive prizes, process prizes, as OpenTelemetry's are.")
    static let producer = ConfigurationKey(
      "producer", default: Producer.parent,
      "`parent`: a message is processed in its producer's trace; `link`: in one of its own, with a link to it.")

    static let all: [any ConfigurationKeyProtocol] = [spanNames, producer]
  }

  init(values: ConfigurationValues) {
    spanNames = values[Keys.spanNames]
    producer = values[Keys.producer]
  }

  /// What is done to messages.
  enum Operation: String {
    case receive, process, send
  }

  func spanName(_ operation: Operation, _ destination: String) -> String {
    guard spanNames == .sqs else { return "\(operation) \(destination)" }
    switch operation {
    case .receive: return "sqs.poll"
    case .process: return "sqs.process_message"
    case .send: return "sqs.send"
    }
  }
}

extension TracingConfiguration.SpanNames: ConfigurationValue {
  public static var configurationDescription: String { "sqs or conventions" }
  public init?(configurationText text: String) { self.init(rawValue: text) }
}

extension TracingConfiguration.Producer: ConfigurationValue {
  public static var configurationDescription: String { "parent or link" }
  public init?(configurationText text: String) { self.init(rawValue: text) }
}
