package import Tracing

/// The id of a trace: 16 bytes, not all of them zero.
package struct TraceID: Hashable, Sendable {
  let high: UInt64
  let low: UInt64

  init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// Parses an id.
  ///
  /// - Parameter hex: 32 hexadecimal digits in lower case.
  init?(hex: some Collection<UInt8>) {
    guard hex.count == 32, let high = UInt64(lowercaseHex: hex.prefix(16)),
      let low = UInt64(lowercaseHex: hex.suffix(16)),
      high != 0 || low != 0
    else { return nil }
    self.init(high: high, low: low)
  }

  package var hex: String { high.hexDigits + low.hexDigits }
}

/// The id of a span within its trace: 8 bytes, not all of them zero.
package struct SpanID: Hashable, Sendable {
  let value: UInt64

  init(_ value: UInt64) {
    self.value = value
  }

  /// Parses an id.
  ///
  /// - Parameter hex: 16 hexadecimal digits in lower case.
  init?(hex: some Collection<UInt8>) {
    guard hex.count == 16, let value = UInt64(lowercaseHex: hex), value != 0 else { return nil }
    self.init(value)
  }

  package var hex: String { value.hexDigits }
}

/// The identity of a span, which messages and requests carry to continue the trace.
package struct SpanContext: Hashable, Sendable {
  package var traceID: TraceID
  package var spanID: SpanID
  /// Whether the trace is recorded.
  package var isSampled: Bool
  /// W3C's `tracestate` with the data of tracing systems, propagated unchanged.
  package var traceState = ""
  /// Whether the context was received from another process.
  package var isRemote = false
}

extension ServiceContext {
  package var spanContext: SpanContext? {
    get { self[SpanContextKey.self] }
    set { self[SpanContextKey.self] = newValue }
  }

  private enum SpanContextKey: ServiceContextKey {
    typealias Value = SpanContext
  }
}

extension UInt64 {
  /// Parses at most 16 digits.
  fileprivate init?(lowercaseHex digits: some Collection<UInt8>) {
    var value: UInt64 = 0
    for digit in digits {
      switch digit {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(digit - UInt8(ascii: "0"))
      case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
      default: return nil
      }
    }
    self = value
  }

  fileprivate var hexDigits: String {
    let digits = String(self, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
