/// The JSON encoding of OTLP: names in lowerCamelCase, ids in hexadecimal, 64-bit integers as strings, enumerations as
/// numbers.
struct OTLPJSONWriter: OTLPWriter {
  private var bytes: [UInt8] = [UInt8(ascii: "{")]
  private var isFirst = true

  init() {}

  consuming func finish() -> [UInt8] {
    bytes.append(UInt8(ascii: "}"))
    return bytes
  }

  mutating func string(_ number: Int, _ name: StaticString, _ value: String) {
    guard !value.isEmpty else { return }
    stringValue(number, name, value)
  }

  mutating func traceID(_: Int, _ name: StaticString, _ value: TraceID) {
    key(name)
    quote(value.hex)
  }

  mutating func spanID(_: Int, _ name: StaticString, _ value: SpanID?) {
    guard let value else { return }
    key(name)
    quote(value.hex)
  }

  mutating func nanoseconds(_: Int, _ name: StaticString, _ value: UInt64) {
    guard value != 0 else { return }
    key(name)
    quote("\(value)")
  }

  mutating func number(_: Int, _ name: StaticString, _ value: Int) {
    guard value != 0 else { return }
    key(name)
    raw("\(value)")
  }

  mutating func flags(_: Int, _ name: StaticString, _ value: UInt32) {
    guard value != 0 else { return }
    key(name)
    raw("\(value)")
  }

  mutating func stringValue(_: Int, _ name: StaticString, _ value: String) {
    key(name)
    quote(value)
  }

  mutating func boolValue(_: Int, _ name: StaticString, _ value: Bool) {
    key(name)
    raw("\(value)")
  }

  mutating func intValue(_: Int, _ name: StaticString, _ value: Int64) {
    key(name)
    quote("\(value)")
  }

  mutating func doubleValue(_: Int, _ name: StaticString, _ value: Double) {
    key(name)
    if value.isFinite {
      raw("\(value)")
    } else {
      quote(value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity")
    }
  }

  mutating func message(_: Int, _ name: StaticString, _ body: (inout Self) -> Void) {
    key(name)
    object(body)
  }

  mutating func messages<Elements: Collection>(
    _: Int, _ name: StaticString, _ elements: Elements, _ body: (inout Self, Elements.Element) -> Void
  ) {
    guard !elements.isEmpty else { return }
    key(name)
    raw("[")
    var isFirst = true
    for element in elements {
      if !isFirst { raw(",") }
      isFirst = false
      object { body(&$0, element) }
    }
    raw("]")
  }

  private mutating func object(_ body: (inout Self) -> Void) {
    raw("{")
    isFirst = true
    body(&self)
    raw("}")
    isFirst = false
  }

  private mutating func key(_ name: StaticString) {
    if !isFirst { raw(",") }
    isFirst = false
    raw("\"\(name)\":")
  }

  private mutating func raw(_ text: String) {
    bytes.append(contentsOf: text.utf8)
  }

  private mutating func quote(_ text: String) {
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(byte)
      case 0..<0x20:
        let hex = String(byte, radix: 16)
        raw("\\u" + String(repeating: "0", count: 4 - hex.count) + hex)
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }
}
