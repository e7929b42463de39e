/// X-Ray's header: `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`.
///
/// AWS's services set it as SQS's system attribute `AWSTraceHeader`, and as an HTTP header.
enum XRayHeader {
  static let key = "X-Amzn-Trace-Id"
  /// The keys that are read.
  static let keys = ["AWSTraceHeader", key]

  /// Parses a header. Returns nil without a root and a parent. Without `Sampled=1` the trace is not sampled.
  static func parse(_ text: String) -> SpanContext? {
    var traceID: TraceID?
    var spanID: SpanID?
    var isSampled = false
    for field in text.split(separator: ";") {
      let pair = field.split(separator: "=", maxSplits: 1).map { $0.drop { $0 == " " } }
      guard pair.count == 2 else { continue }
      switch pair[0] {
      case "Root":
        let parts = pair[1].split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "1", parts[1].utf8.count == 8 else { return nil }
        traceID = TraceID(hex: Array((parts[1] + parts[2]).utf8))
      case "Parent": spanID = SpanID(hex: Array(pair[1].utf8))
      case "Sampled": isSampled = pair[1] == "1"
      default: continue
      }
    }
    guard let traceID, let spanID else { return nil }
    return SpanContext(traceID: traceID, spanID: spanID, isSampled: isSampled, isRemote: true)
  }

  static func format(_ context: SpanContext) -> String {
    let id = context.traceID.hex
    return "Root=1-\(id.prefix(8))-\(id.dropFirst(8));Parent=\(context.spanID.hex);Sampled=\(context.isSampled ? 1 : 0)"
  }
}
