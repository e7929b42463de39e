/// The section `tracing` of `routes.yaml`.
extension TracingConfiguration {
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
}

extension TracingConfiguration.SpanNames: ConfigurationValue {}

extension TracingConfiguration.Producer: ConfigurationValue {}
