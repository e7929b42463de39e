import COpenSSL
import Foundation
import NIOCore

/// The answers to a receive, prepared: ten messages as they go over the wire, in which only numbers and times change.
struct MessageTemplate {
  static let numberLength = 12
  private static let timeLength = 13

  /// For 0 to 10 messages.
  private let heads: [[UInt8]]
  private let messages: [UInt8]
  private let tail: [UInt8]
  /// From one message to the next.
  private let stride: Int
  private let separatorLength: Int
  /// Where they end in the first message.
  private let numbers: [Int]
  private let receiveTimes: [Int]

  init(_ wire: Wire, withAttributes: Bool, body: String) throws {
    var text = Text()
    let open: String
    let close: String
    let separator: String
    switch wire {
    case .json:
      (open, separator, close) = ("{\"Messages\":[", ",", "]}")
      try text.addJSON(body: body, withAttributes: withAttributes)
    case .query:
      (open, separator) = ("\(Query.open("ReceiveMessage"))<ReceiveMessageResult>", "")
      close = "</ReceiveMessageResult>\(Query.close("ReceiveMessage"))"
      text.addXML(body: body, withAttributes: withAttributes)
    }
    tail = Array(close.utf8)
    separatorLength = separator.utf8.count
    stride = text.bytes.count + separatorLength
    messages = Array(repeatElement(text.bytes + Array(separator.utf8), count: 10).joined())
    numbers = text.numbers
    receiveTimes = text.receiveTimes
    let empty = wire == .json ? "{}" : open + close
    heads =
      [Array((HTTPAnswer.head(200, wire.contentType, length: empty.utf8.count) + empty).utf8)]
      + (1...10).map { [stride, separatorLength] count in
        let length = open.utf8.count + stride * count - separatorLength + close.utf8.count
        return Array((HTTPAnswer.head(200, wire.contentType, length: length) + open).utf8)
      }
  }

  /// - Parameters:
  ///   - range: The messages' numbers: none, or ten at most.
  ///   - receivedAt: In milliseconds since 1970.
  func answer(_ range: Range<Int>, receivedAt: Int) -> ByteBuffer {
    guard !range.isEmpty else { return ByteBuffer(bytes: heads[0]) }
    let head = heads[range.count]
    let length = stride * range.count - separatorLength
    var buffer = ByteBufferAllocator().buffer(capacity: head.count + length + tail.count)
    buffer.writeBytes(head)
    messages.withUnsafeBytes { _ = buffer.writeBytes(Bytes(rebasing: $0[..<length])) }
    buffer.writeBytes(tail)
    buffer.withUnsafeMutableReadableBytes { bytes in
      var start = head.count
      for number in range {
        for end in numbers { Self.write(number, in: bytes, endingAt: start + end) }
        for end in receiveTimes { Self.write(receivedAt, in: bytes, endingAt: start + end) }
        start += stride
      }
    }
    return buffer
  }

  /// Over zeros.
  private static func write(_ number: Int, in bytes: UnsafeMutableRawBufferPointer, endingAt end: Int) {
    var (rest, offset) = (number, end)
    while rest > 0 {
      offset -= 1
      bytes[offset] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    }
  }

  /// A message under construction.
  private struct Text {
    var bytes: [UInt8] = []
    var numbers: [Int] = []
    var receiveTimes: [Int] = []
    private let sentAt = "\(milliseconds())"

    mutating func addJSON(body: String, withAttributes: Bool) throws {
      add("{\"MessageId\":\"")
      addID()
      add("\",\"ReceiptHandle\":\"")
      addHandle()
      let encoder = JSONEncoder()
      encoder.outputFormatting = .withoutEscapingSlashes
      add("\",\"MD5OfBody\":\"\(MessageTemplate.md5(body))\",\"Body\":")
      bytes += try encoder.encode(body)
      if withAttributes {
        add(",\"Attributes\":{\"SentTimestamp\":\"\(sentAt)\",\"ApproximateReceiveCount\":\"1\",")
        add("\"ApproximateFirstReceiveTimestamp\":\"")
        addReceiveTime()
        add("\"}")
      }
      add("}")
    }

    mutating func addXML(body: String, withAttributes: Bool) {
      add("<Message><MessageId>")
      addID()
      add("</MessageId><ReceiptHandle>")
      addHandle()
      add("</ReceiptHandle><MD5OfBody>\(MessageTemplate.md5(body))</MD5OfBody><Body>\(Query.escaped(body))</Body>")
      if withAttributes {
        add("<Attribute><Name>SentTimestamp</Name><Value>\(sentAt)</Value></Attribute>")
        add("<Attribute><Name>ApproximateReceiveCount</Name><Value>1</Value></Attribute>")
        add("<Attribute><Name>ApproximateFirstReceiveTimestamp</Name><Value>")
        addReceiveTime()
        add("</Value></Attribute>")
      }
      add("</Message>")
    }

    private mutating func add(_ text: String) { bytes += text.utf8 }

    private mutating func addID() {
      add("5d4c2b1a-7c1e-4f6a-9b3d-")
      addNumber()
    }

    private mutating func addHandle() {
      add("\(Handle.prefix)")
      addNumber()
      add(Handle.filler)
      addNumber()
    }

    private mutating func addNumber() {
      add(String(repeating: "0", count: MessageTemplate.numberLength))
      numbers.append(bytes.count)
    }

    private mutating func addReceiveTime() {
      add(String(repeating: "0", count: MessageTemplate.timeLength))
      receiveTimes.append(bytes.count)
    }
  }

  private static func md5(_ text: String) -> String {
    var digest = [UInt8](repeating: 0, count: 16)
    let bytes = Array(text.utf8)
    guard EVP_Digest(bytes, bytes.count, &digest, nil, EVP_md5(), nil) == 1 else {
      fatalError("libcrypto refuses MD5 here, as under FIPS; SQS's messages have one, so nothing can be measured")
    }
    return digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}

/// Since 1970.
func milliseconds() -> Int { Int(Date().timeIntervalSince1970 * 1000) }
