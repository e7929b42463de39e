/// Selects the traces to record: `OTEL_TRACES_SAMPLER`.
package indirect enum Sampler: Sendable, Hashable {
  case alwaysOn
  case alwaysOff
  /// A share of all traces, from 0 to 1. It is computed from the trace id, so that all processes with the same share
  /// select the same traces.
  case ratio(Double)
  /// The caller's decision. The nested sampler decides for traces that start here.
  case parentBased(Sampler)

  func samples(_ traceID: TraceID, parent: SpanContext?) -> Bool {
    switch self {
    case .alwaysOn: return true
    case .alwaysOff: return false
    case .ratio(let ratio):
      guard ratio < 1 else { return true }
      // 63 bits of the id, as in the SDKs of other languages.
      return traceID.low >> 1 < UInt64(max(0, ratio) * 0x1p63)
    case .parentBased(let root):
      return parent?.isSampled ?? root.samples(traceID, parent: nil)
    }
  }
}
