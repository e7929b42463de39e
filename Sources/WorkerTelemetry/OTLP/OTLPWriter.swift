/// Writes OTLP messages in one of their two encodings. The description of a message is shared: each call passes the
/// field's number, for protobuf, and its name, for JSON.
///
/// A field with its default value is omitted, as in proto3. Methods named `…Value` write a member of a `oneof`, even
/// with its default value.
protocol OTLPWriter {
  init()

  mutating func string(_ number: Int, _ name: StaticString, _ value: String)
  mutating func traceID(_ number: Int, _ name: StaticString, _ value: TraceID)
  mutating func spanID(_ number: Int, _ name: StaticString, _ value: SpanID?)
  mutating func nanoseconds(_ number: Int, _ name: StaticString, _ value: UInt64)
  /// Writes a `uint32` or an enumeration.
  mutating func number(_ number: Int, _ name: StaticString, _ value: Int)
  /// Writes a `fixed32`.
  mutating func flags(_ number: Int, _ name: StaticString, _ value: UInt32)

  mutating func stringValue(_ number: Int, _ name: StaticString, _ value: String)
  mutating func boolValue(_ number: Int, _ name: StaticString, _ value: Bool)
  mutating func intValue(_ number: Int, _ name: StaticString, _ value: Int64)
  mutating func doubleValue(_ number: Int, _ name: StaticString, _ value: Double)

  mutating func message(_ number: Int, _ name: StaticString, _ body: (inout Self) -> Void)
  mutating func messages<Elements: Collection>(
    _ number: Int, _ name: StaticString, _ elements: Elements, _ body: (inout Self, Elements.Element) -> Void)

  /// Returns the complete message.
  consuming func finish() -> [UInt8]
}
