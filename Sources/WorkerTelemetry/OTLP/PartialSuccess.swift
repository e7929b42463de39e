import Foundation

/// A response of a collector that rejected some spans: `ExportTraceServiceResponse.partial_success`.
struct PartialSuccess: Equatable {
  var count: Int
  var message: String

  /// Returns nil if the collector accepted everything, or if the response is invalid, because its status was a success.
  init?(_ body: [UInt8], _ encoding: TraceExport.Encoding) {
    let found = encoding == .json ? Self.json(body) : Self.protobuf(body)
    guard let found, found.count > 0 else { return nil }
    count = found.count
    message = String(found.message.prefix(300))
  }

  private static func json(_ body: [UInt8]) -> (count: Int, message: String)? {
    guard let answer = try? JSONSerialization.jsonObject(with: Data(body)) as? [String: Any],
      let partial = answer["partialSuccess"] as? [String: Any]
    else { return nil }
    let count = partial["rejectedSpans"].flatMap { Int("\($0)") }
    return (count ?? 0, partial["errorMessage"] as? String ?? "")
  }

  private static func protobuf(_ body: [UInt8]) -> (count: Int, message: String)? {
    var answer = ProtobufReader(body[...])
    guard case .bytes(let partial)? = answer.fields()[1] else { return nil }
    var reader = ProtobufReader(partial)
    let fields = reader.fields()
    guard case .number(let count)? = fields[1] else { return nil }
    var message = ""
    if case .bytes(let text)? = fields[2] { message = String(decoding: text, as: UTF8.self) }
    return (Int(clamping: count), message)
  }
}

/// A reader of protobuf's wire format, limited to what a collector's response uses.
private struct ProtobufReader {
  enum Value {
    case number(UInt64)
    case bytes(ArraySlice<UInt8>)
  }

  private var rest: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) {
    rest = bytes
  }

  /// The fields before the first invalid one.
  mutating func fields() -> [UInt64: Value] {
    var fields: [UInt64: Value] = [:]
    while let tag = varint() {
      switch tag & 7 {
      case 0:
        guard let number = varint() else { return fields }
        fields[tag >> 3] = .number(number)
      case 2:
        guard let length = varint(), length <= UInt64(rest.count) else { return fields }
        fields[tag >> 3] = .bytes(rest.prefix(Int(length)))
        rest = rest.dropFirst(Int(length))
      case 1: rest = rest.dropFirst(8)
      case 5: rest = rest.dropFirst(4)
      default: return fields
      }
    }
    return fields
  }

  private mutating func varint() -> UInt64? {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 64, by: 7) {
      guard let byte = rest.popFirst() else { return nil }
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
    }
    return nil
  }
}
