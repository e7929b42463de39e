/// Writes OTLP's messages in one of its two encodings. A message is described once, by calls that give each field its
/// number, which protobuf wants, and its name, which JSON wants.
///
/// A field that has its default is left out, as proto3 has it. `…Value` writes a member of a `oneof`, default or not.
protocol OTLPWriter {
  init()

  mutating func string(_ number: Int, _ name: StaticString, _ value: String)
  mutating func traceID(_ number: Int, _ name: StaticString, _ value: TraceID)
  mutating func spanID(_ number: Int, _ name: StaticString, _ value: SpanID?)
  mutating func nanoseconds(_ number: Int, _ name: StaticString, _ value: UInt64)
  /// A `uint32` or an enumeration.
  mutating func number(_ number: Int, _ name: StaticString, _ value: Int)
  /// A `fixed32`.
  mutating func flags(_ number: Int, _ name: StaticString, _ value: UInt32)

  mutating func stringValue(_ number: Int, _ name: StaticString, _ value: String)
  mutating func boolValue(_ number: Int, _ name: StaticString, _ value: Bool)
  mutating func intValue(_ number: Int, _ name: StaticString, _ value: Int64)
  mutating func doubleValue(_ number: Int, _ name: StaticString, _ value: Double)

  mutating func message(_ number: Int, _ name: StaticString, _ body: (inout Self) -> Void)
  mutating func messages<Elements: Collection>(
    _ number: Int, _ name: StaticString, _ elements: Elements, _ body: (inout Self, Elements.Element) -> Void)

  /// What was written, whole.
  consuming func finish() -> [UInt8]
}
