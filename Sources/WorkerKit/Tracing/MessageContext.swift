import Tracing

/// The trace context that messages carry: `traceparent` and `tracestate` of W3C in message attributes, else X-Ray's in the
/// system attribute `AWSTraceHeader`. Which of them is understood is the tracer's.
enum MessageContext {
  /// The most that it takes of a message's size: 55 bytes of `traceparent`, 512 of `tracestate`, names and types.
  static let largestSize = 640

  private struct Carrier: Sendable {
    var attributes: [String: MessageAttribute]
    var traceHeader: String?
  }

  private struct CarrierExtractor: Extractor {
    func extract(key: String, from carrier: Carrier) -> String? {
      let isXRay = ["awstraceheader", "x-amzn-trace-id"].contains(key.lowercased())
      return isXRay ? carrier.traceHeader : carrier.attributes[key]?.stringValue
    }
  }

  private struct FieldInjector: Injector {
    func inject(_ value: String, forKey key: String, into fields: inout [String: String]) {
      fields[key] = value
    }
  }

  /// Adds what a message carries to a context.
  static func extract(
    _ attributes: [String: MessageAttribute], traceHeader: String?, into context: inout ServiceContext
  ) {
    InstrumentationSystem.instrument.extract(
      Carrier(attributes: attributes, traceHeader: traceHeader), into: &context, using: CarrierExtractor())
  }

  /// The fields with which the current span's context is carried on; none where no tracer is at work.
  static func fields() -> [String: String] {
    var fields: [String: String] = [:]
    if let context = ServiceContext.current {
      InstrumentationSystem.instrument.inject(context, into: &fields, using: FieldInjector())
    }
    return fields
  }

  /// The message with the current span's context, unless it carries one already, or has no room for it.
  static func injecting(into message: OutgoingMessage) -> OutgoingMessage {
    guard message.attributes["traceparent"] == nil, message.traceHeader == nil else { return message }
    let fields = fields().filter { ["traceparent", "tracestate"].contains($0.key) && !$0.value.isEmpty }
    guard fields["traceparent"] != nil, message.attributes.count + fields.count <= DeadLetterOffice.attributeLimit
    else {
      return message
    }
    var carrying = message
    carrying.attributes.merge(fields.mapValues { .string($0) }) { $1 }
    return carrying.size <= DeadLetterOffice.messageSizeLimit ? carrying : message
  }

  /// The W3C id of the trace that a message is handled in: the current task's, else the producer's where no tracer is
  /// at work here.
  static func traceID(of message: ReceivedMessage) -> String? {
    traceID(inParent: fields()["traceparent"] ?? message.attributes["traceparent"]?.stringValue ?? "")
      ?? message.traceHeader.flatMap(traceID(inXRay:))
  }

  /// `version-traceid-parentid-flags`
  private static func traceID(inParent parent: String) -> String? {
    let parts = parent.split(separator: "-", omittingEmptySubsequences: false)
    return parts.count >= 4 ? checked(parts[1]) : nil
  }

  /// `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`
  private static func traceID(inXRay header: String) -> String? {
    let root = header.split(separator: ";").first { $0.hasPrefix("Root=1-") }
    return root.flatMap { checked($0.dropFirst("Root=1-".count).filter { $0 != "-" }) }
  }

  private static func checked(_ id: some StringProtocol) -> String? {
    id.utf8.count == 32 && id.allSatisfy { $0.isASCII && $0.isHexDigit } ? String(id) : nil
  }
}
