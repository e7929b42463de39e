import Tracing

/// `ExportTraceServiceRequest` of opentelemetry/proto/collector/trace/v1.
struct TraceRequest {
  /// The attributes of this process, which creates the spans.
  let resource: SpanAttributes
  let spans: [FinishedSpan]

  func encoded<Writer: OTLPWriter>(by: Writer.Type) -> [UInt8] {
    var writer = Writer()
    writer.messages(1, "resourceSpans", CollectionOfOne(resource)) { writer, resource in
      writer.message(1, "resource") { $0.attributes(1, resource) }
      writer.messages(2, "scopeSpans", CollectionOfOne(spans)) { writer, spans in
        writer.message(1, "scope") { $0.string(1, "name", Resource.sdkName) }
        writer.messages(2, "spans", spans) { $0.span($1) }
      }
    }
    return writer.finish()
  }
}

extension OTLPWriter {
  fileprivate mutating func span(_ span: FinishedSpan) {
    traceID(1, "traceId", span.context.traceID)
    spanID(2, "spanId", span.context.spanID)
    string(3, "traceState", span.context.traceState)
    spanID(4, "parentSpanId", span.parent?.spanID)
    string(5, "name", span.name)
    number(6, "kind", span.kind.otlpNumber)
    nanoseconds(7, "startTimeUnixNano", span.start)
    nanoseconds(8, "endTimeUnixNano", span.end)
    attributes(9, span.attributes)
    number(10, "droppedAttributesCount", span.droppedAttributes)
    messages(11, "events", span.events) { writer, event in
      writer.nanoseconds(1, "timeUnixNano", event.nanosecondsSinceEpoch)
      writer.string(2, "name", event.name)
      writer.attributes(3, event.attributes)
      writer.number(4, "droppedAttributesCount", event.droppedAttributes)
    }
    number(12, "droppedEventsCount", span.droppedEvents)
    messages(13, "links", span.links) { writer, link in
      writer.traceID(1, "traceId", link.context.traceID)
      writer.spanID(2, "spanId", link.context.spanID)
      writer.string(3, "traceState", link.context.traceState)
      writer.attributes(4, link.attributes)
      writer.number(5, "droppedAttributesCount", link.droppedAttributes)
      writer.flags(6, "flags", link.context.otlpFlags(isRemote: link.context.isRemote))
    }
    number(14, "droppedLinksCount", span.droppedLinks)
    if let status = span.status {
      message(15, "status") { writer in
        writer.string(2, "message", status.code == .error ? status.message ?? "" : "")
        writer.number(3, "code", status.code == .error ? 2 : 1)
      }
    }
    flags(16, "flags", span.context.otlpFlags(isRemote: span.parent?.isRemote ?? false))
  }

  fileprivate mutating func attributes(_ number: Int, _ attributes: SpanAttributes) {
    var pairs: [(key: String, value: SpanAttribute)] = []
    pairs.reserveCapacity(attributes.count)
    attributes.forEach { pairs.append(($0, $1)) }
    messages(number, "attributes", pairs) { writer, pair in
      writer.string(1, "key", pair.key)
      writer.message(2, "value") { $0.anyValue(pair.value) }
    }
  }

  private mutating func anyValue(_ value: SpanAttribute) {
    switch value {
    case .string(let text): stringValue(1, "stringValue", text)
    case .stringConvertible(let value): stringValue(1, "stringValue", "\(value)")
    case .bool(let flag): boolValue(2, "boolValue", flag)
    case .int32(let number): intValue(3, "intValue", Int64(number))
    case .int64(let number): intValue(3, "intValue", number)
    case .double(let number): doubleValue(4, "doubleValue", number)
    case .stringArray(let values): array(values) { .string($0) }
    case .stringConvertibleArray(let values): array(values) { .string("\($0)") }
    case .boolArray(let values): array(values) { .bool($0) }
    case .int32Array(let values): array(values) { .int64(Int64($0)) }
    case .int64Array(let values): array(values) { .int64($0) }
    case .doubleArray(let values): array(values) { .double($0) }
    // A case that a later swift-distributed-tracing may add.
    default: break
    }
  }

  private mutating func array<Element>(_ values: [Element], _ attribute: (Element) -> SpanAttribute) {
    message(5, "arrayValue") { writer in
      writer.messages(1, "values", values) { $0.anyValue(attribute($1)) }
    }
  }
}

extension SpanKind {
  fileprivate var otlpNumber: Int {
    switch self {
    case .internal: 1
    case .server: 2
    case .client: 3
    case .producer: 4
    case .consumer: 5
    }
  }
}

extension SpanContext {
  /// The lower eight bits are the flags of W3C; the next two state that it is known whether the context is remote, and
  /// whether it is.
  fileprivate func otlpFlags(isRemote: Bool) -> UInt32 {
    0x100 | (isRemote ? 0x200 : 0) | (isSampled ? 1 : 0)
  }
}
