/// A writer of protobuf's wire format, limited to what OTLP's traces use.
struct ProtobufWriter: OTLPWriter {
  private enum WireType: UInt64 {
    case varint = 0
    case fixed64 = 1
    case lengthDelimited = 2
    case fixed32 = 5
  }

  private var bytes: [UInt8] = []

  init() {}

  consuming func finish() -> [UInt8] { bytes }

  mutating func string(_ number: Int, _ name: StaticString, _ value: String) {
    guard !value.isEmpty else { return }
    stringValue(number, name, value)
  }

  mutating func traceID(_ number: Int, _: StaticString, _ value: TraceID) {
    tag(number, .lengthDelimited)
    varint(16)
    bigEndian(value.high)
    bigEndian(value.low)
  }

  mutating func spanID(_ number: Int, _: StaticString, _ value: SpanID?) {
    guard let value else { return }
    tag(number, .lengthDelimited)
    varint(8)
    bigEndian(value.value)
  }

  mutating func nanoseconds(_ number: Int, _: StaticString, _ value: UInt64) {
    guard value != 0 else { return }
    tag(number, .fixed64)
    fixed(value)
  }

  mutating func number(_ number: Int, _: StaticString, _ value: Int) {
    guard value != 0 else { return }
    tag(number, .varint)
    varint(UInt64(value))
  }

  mutating func flags(_ number: Int, _: StaticString, _ value: UInt32) {
    guard value != 0 else { return }
    tag(number, .fixed32)
    fixed(value)
  }

  mutating func stringValue(_ number: Int, _: StaticString, _ value: String) {
    tag(number, .lengthDelimited)
    varint(UInt64(value.utf8.count))
    bytes.append(contentsOf: value.utf8)
  }

  mutating func boolValue(_ number: Int, _: StaticString, _ value: Bool) {
    tag(number, .varint)
    varint(value ? 1 : 0)
  }

  mutating func intValue(_ number: Int, _: StaticString, _ value: Int64) {
    tag(number, .varint)
    varint(UInt64(bitPattern: value))
  }

  mutating func doubleValue(_ number: Int, _: StaticString, _ value: Double) {
    tag(number, .fixed64)
    fixed(value.bitPattern)
  }

  mutating func message(_ number: Int, _: StaticString, _ body: (inout Self) -> Void) {
    tag(number, .lengthDelimited)
    // The length is known afterwards. For most messages it fits in the one byte that is reserved here.
    let place = bytes.count
    bytes.append(0)
    body(&self)
    var length = UInt64(bytes.count - place - 1)
    if length < 0x80 {
      bytes[place] = UInt8(length)
    } else {
      bytes[place] = UInt8(truncatingIfNeeded: length) | 0x80
      length >>= 7
      var rest = ProtobufWriter()
      rest.varint(length)
      bytes.insert(contentsOf: rest.bytes, at: place + 1)
    }
  }

  mutating func messages<Elements: Collection>(
    _ number: Int, _ name: StaticString, _ elements: Elements, _ body: (inout Self, Elements.Element) -> Void
  ) {
    for element in elements {
      message(number, name) { body(&$0, element) }
    }
  }

  private mutating func tag(_ number: Int, _ type: WireType) {
    varint(UInt64(number) << 3 | type.rawValue)
  }

  /// Writes seven bits in each byte, the least significant first. The eighth bit marks that more bytes follow.
  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  private mutating func fixed<Value: FixedWidthInteger>(_ value: Value) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  private mutating func bigEndian(_ value: UInt64) {
    withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
  }
}
