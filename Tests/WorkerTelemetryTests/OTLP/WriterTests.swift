import Foundation
import Testing

@testable import WorkerTelemetry

@Suite("OTLP's two encodings")
struct WriterTests {
  @Test("protobuf's own examples", arguments: ProtobufExample.all)
  func protobufExamples(example: ProtobufExample) {
    var writer = ProtobufWriter()
    example.write(&writer)
    #expect(writer.finish().map { String(format: "%02x", $0) }.joined(separator: " ") == example.bytes)
  }

  @Test("a message of any length is preceded by it", arguments: [0, 1, 127, 128, 129, 16_383, 16_384, 300_000])
  func lengths(count: Int) throws {
    var writer = ProtobufWriter()
    writer.message(1, "") { $0.messages(2, "", repeatElement(0, count: count)) { _, _ in } }
    // Each empty message is a tag and a length of nothing.
    let bytes = writer.finish()
    var length = 0
    var place = 1
    repeat {
      length |= Int(bytes[place] & 0x7f) << (7 * (place - 1))
      place += 1
    } while bytes[place - 1] >= 0x80
    #expect(length == count * 2)
    #expect(bytes.count == place + length)
    #expect(bytes[place...].allSatisfy { $0 == 0x12 || $0 == 0 })
  }

  @Test("JSON is as OTLP has it: hex ids, 64-bit integers as strings, no field with its default")
  func json() throws {
    var writer = OTLPJSONWriter()
    writer.traceID(1, "traceId", TraceID(high: 0x5b8e_fff7_9803_8103, low: 0xd269_b633_813f_c60c))
    writer.spanID(2, "spanId", SpanID(0xeee1_9b7e_c3c1_b174))
    writer.spanID(4, "parentSpanId", nil)
    writer.string(5, "name", "I'm a \"server\"\\\n\u{1} span")
    writer.string(6, "empty", "")
    writer.nanoseconds(7, "startTimeUnixNano", 1_544_712_660_000_000_000)
    writer.number(8, "kind", 2)
    writer.number(9, "none", 0)
    writer.messages(10, "noEvents", [Int]()) { _, _ in }
    writer.messages(11, "values", [1.5, .infinity, .nan]) { $0.doubleValue(4, "doubleValue", $1) }
    writer.message(12, "value") { $0.intValue(3, "intValue", -7) }
    writer.boolValue(2, "boolValue", false)
    let text = String(decoding: writer.finish(), as: UTF8.self)
    #expect(
      text == #"{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","#
        + #""name":"I'm a \"server\"\\\u000a\u0001 span","startTimeUnixNano":"1544712660000000000","kind":2,"#
        + #""values":[{"doubleValue":1.5},{"doubleValue":"Infinity"},{"doubleValue":"NaN"}],"#
        + #""value":{"intValue":"-7"},"boolValue":false}"#)
    #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(text.utf8)) }
  }

  @Test("a collector's partial success is read in both encodings, and what says nothing is a success")
  func partialSuccess() throws {
    let message = "too old"
    let protobuf: [UInt8] = [0x0a, 0x0c, 0x08, 0xac, 0x02, 0x12, 0x07] + Array(message.utf8)
    let json = #"{"partialSuccess":{"rejectedSpans":"300","errorMessage":"too old"}}"#
    for partial in [PartialSuccess(protobuf, .protobuf), PartialSuccess(Array(json.utf8), .json)] {
      #expect(partial?.count == 300)
      #expect(partial?.message == message)
    }
    for nothing in [[], [0x0a, 0x00], [0x0a, 0x7f, 0x08], Array("{}".utf8), [0xff, 0xff]] as [[UInt8]] {
      #expect(PartialSuccess(nothing, .protobuf) == nil)
      #expect(PartialSuccess(nothing, .json) == nil)
    }
  }
}

/// From the documentation of protobuf's encoding, and of two's complement there.
struct ProtobufExample: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let bytes: String
  let write: @Sendable (inout ProtobufWriter) -> Void

  static let all = [
    Self(testDescription: "a varint", bytes: "08 96 01") { $0.number(1, "", 150) },
    Self(testDescription: "a string", bytes: "12 07 74 65 73 74 69 6e 67") { $0.string(2, "", "testing") },
    Self(testDescription: "a message", bytes: "1a 03 08 96 01") { $0.message(3, "") { $0.number(1, "", 150) } },
    Self(testDescription: "a negative number", bytes: "08 fe ff ff ff ff ff ff ff ff 01") { $0.intValue(1, "", -2) },
    Self(testDescription: "a double", bytes: "21 00 00 00 00 00 00 f8 3f") { $0.doubleValue(4, "", 1.5) },
    Self(testDescription: "a fixed64", bytes: "39 01 00 00 00 00 00 00 00") { $0.nanoseconds(7, "", 1) },
    Self(testDescription: "a fixed32", bytes: "85 01 01 03 00 00") { $0.flags(16, "", 0x301) },
    Self(testDescription: "a false that was chosen", bytes: "10 00") { $0.boolValue(2, "", false) },
    Self(testDescription: "defaults", bytes: "") {
      $0.number(1, "", 0)
      $0.string(2, "", "")
      $0.nanoseconds(3, "", 0)
      $0.flags(4, "", 0)
    },
  ]
}
