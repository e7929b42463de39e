package import Logging
import Tracing

extension Logger.MetadataProvider {
  /// The ids of the current trace and span, as `trace_id` and `span_id`. It works with any tracer that propagates W3C
  /// trace context.
  package static let trace = Logger.MetadataProvider {
    guard let context = ServiceContext.current else { return [:] }
    var carrier: [String: String] = [:]
    InstrumentationSystem.instrument.inject(context, into: &carrier, using: TraceParentInjector())
    // The format is version-traceid-parentid-flags.
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
