package import Logging
import Tracing

extension Logger.MetadataProvider {
  /// The trace and the span that a task is in, as `trace_id` and `span_id`: whatever tracer is at work, as long as it
  /// passes on W3C's trace context.
  package static let trace = Logger.MetadataProvider {
    guard let context = ServiceContext.current else { return [:] }
    var carrier: [String: String] = [:]
    InstrumentationSystem.instrument.inject(context, into: &carrier, using: TraceParentInjector())
    // version-traceid-parentid-flags
    let parts = carrier["traceparent"]?.split(separator: "-", omittingEmptySubsequences: false) ?? []
    guard parts.count >= 4 else { return [:] }
    return ["trace_id": "\(parts[1])", "span_id": "\(parts[2])"]
  }
}

private struct TraceParentInjector: Injector {
  func inject(_ value: String, forKey key: String, into carrier: inout [String: String]) {
    carrier[key.lowercased()] = value
  }
}
