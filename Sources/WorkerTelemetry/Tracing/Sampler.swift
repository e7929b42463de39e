/// Which traces are recorded: `OTEL_TRACES_SAMPLER`.
package indirect enum Sampler: Sendable, Hashable {
  case alwaysOn
  case alwaysOff
  /// A share of all traces, from 0 to 1; by the trace's id, so that everyone who samples that share takes the same.
  case ratio(Double)
  /// What the caller decided; the sampler of a trace that begins here.
  case parentBased(Sampler)

  func samples(_ traceID: TraceID, parent: SpanContext?) -> Bool {
    switch self {
    case .alwaysOn: return true
    case .alwaysOff: return false
    case .ratio(let ratio):
      guard ratio < 1 else { return true }
      // 63 bits of the id, as other languages' SDKs have it.
      return traceID.low >> 1 < UInt64(max(0, ratio) * 0x1p63)
    case .parentBased(let root):
      return parent?.isSampled ?? root.samples(traceID, parent: nil)
    }
  }
}
