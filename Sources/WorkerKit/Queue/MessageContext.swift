package import Tracing

/// The trace context of a message: W3C `traceparent` and `tracestate` in message attributes, or X-Ray's header in the
/// system attribute `AWSTraceHeader`. The tracer decides which format it supports.
package enum MessageContext {
  /// The maximum size that the context adds to a message, in bytes: 55 for `traceparent`, 512 for `tracestate`, and
  /// their names and types.
  package static let largestSize = 640

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

  /// Adds the trace context of a message to `context`.
  package static func extract(
    _ attributes: [String: MessageAttribute], traceHeader: String?, into context: inout ServiceContext
  ) {
    InstrumentationSystem.instrument.extract(
      Carrier(attributes: attributes, traceHeader: traceHeader), into: &context, using: CarrierExtractor())
  }

  /// The fields that propagate the current span's context; empty if no tracer is installed.
  static func fields() -> [String: String] {
    var fields: [String: String] = [:]
    if let context = ServiceContext.current {
      InstrumentationSystem.instrument.inject(context, into: &fields, using: FieldInjector())
    }
    return fields
  }

  /// Returns the message with the current span's context. The message is unchanged if it carries a context already, or
  /// if the context would exceed SQS's limits.
  package static func injecting(into message: OutgoingMessage) -> OutgoingMessage {
    guard message.attributes["traceparent"] == nil, message.traceHeader == nil else { return message }
    let fields = fields().filter { ["traceparent", "tracestate"].contains($0.key) && !$0.value.isEmpty }
    guard fields["traceparent"] != nil, message.attributes.count + fields.count <= OutgoingMessage.attributeLimit
    else {
      return message
    }
    var carrying = message
    carrying.attributes.merge(fields.mapValues { .string($0) }) { $1 }
    return carrying.size <= OutgoingMessage.sizeLimit ? carrying : message
  }

  /// The W3C trace id of a message's handling: the current task's trace or, if no tracer is installed, the producer's.
  static func traceID(of message: ReceivedMessage) -> String? {
    traceID(message.attributes, traceHeader: message.traceHeader)
  }

  package static func traceID(_ attributes: [String: MessageAttribute], traceHeader: String?) -> String? {
    (fields()["traceparent"] ?? attributes["traceparent"]?.stringValue).flatMap(traceID(inParent:))
      ?? traceHeader.flatMap(traceID(inXRay:))
  }

  /// The format is `version-traceid-parentid-flags`.
  private static func traceID(inParent parent: String) -> String? {
    let parts = parent.split(separator: "-", omittingEmptySubsequences: false)
    return parts.count >= 4 ? checked(parts[1]) : nil
  }

  /// The format is `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`.
  private static func traceID(inXRay header: String) -> String? {
    let root = header.split(separator: ";").first { $0.hasPrefix("Root=1-") }
    return root.flatMap { checked($0.dropFirst("Root=1-".count).filter { $0 != "-" }) }
  }

  private static func checked(_ id: some StringProtocol) -> String? {
    id.utf8.count == 32 && id.allSatisfy { $0.isASCII && $0.isHexDigit } ? String(id) : nil
  }
}
