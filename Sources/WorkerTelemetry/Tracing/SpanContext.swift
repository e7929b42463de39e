package import Tracing

/// What identifies a trace: 16 bytes, not all of them zero.
package struct TraceID: Hashable, Sendable {
  let high: UInt64
  let low: UInt64

  init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// - Parameter hex: 32 digits in lower case.
  init?(hex: some Collection<UInt8>) {
    guard hex.count == 32, let high = UInt64(lowercaseHex: hex.prefix(16)),
      let low = UInt64(lowercaseHex: hex.suffix(16)),
      high != 0 || low != 0
    else { return nil }
    self.init(high: high, low: low)
  }

  package var hex: String { high.hexDigits + low.hexDigits }
}

/// What identifies a span within its trace: 8 bytes, not all of them zero.
package struct SpanID: Hashable, Sendable {
  let value: UInt64

  init(_ value: UInt64) {
    self.value = value
  }

  /// - Parameter hex: 16 digits in lower case.
  init?(hex: some Collection<UInt8>) {
    guard hex.count == 16, let value = UInt64(lowercaseHex: hex), value != 0 else { return nil }
    self.init(value)
  }

  package var hex: String { value.hexDigits }
}

/// Where a span stands: what goes along with a message or a request to whoever continues the trace.
package struct SpanContext: Hashable, Sendable {
  package var traceID: TraceID
  package var spanID: SpanID
  /// Whether the trace is recorded.
  package var isSampled: Bool
  /// What tracing systems tell each other beside: W3C's `tracestate`, carried on as it came.
  package var traceState = ""
  /// Whether it came from elsewhere.
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
  /// Of 16 digits at most.
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
