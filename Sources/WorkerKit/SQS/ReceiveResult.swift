import Foundation

/// A receive's answer: the messages that came whole.
package struct ReceiveResult {
  package private(set) var messages: [ReceivedMessage] = []
  /// Ids of messages that are not as they were sent: their body or their attributes do not match their MD5, or they lack
  /// what every message has.
  private(set) var corrupted: [String] = []

  private let keepsOrder: Bool

  /// - Parameter keepsOrder: Whether one message must not overtake another: nothing behind a corrupted one is taken.
  /// - Throws: ``JSONReader/SyntaxError`` where the answer is not the protocol's.
  package init(_ bytes: [UInt8], keepsOrder: Bool = false) throws {
    self.keepsOrder = keepsOrder
    // An answer without a body is an answer without messages.
    guard !bytes.isEmpty else { return }
    var reader = JSONReader(bytes)
    try reader.readObject { reader, name in
      guard name == "Messages" else { return try reader.skipValue() }
      try reader.readArray { try readMessage(&$0) }
    }
    try reader.finish()
  }

  private mutating func readMessage(_ reader: inout JSONReader) throws {
    var message = ReceivedMessage(id: "", receiptHandle: "", body: [])
    var bodyDigest: ArraySlice<UInt8>?
    var attributesDigest: ArraySlice<UInt8>?
    try reader.readObject { reader, name in
      switch name {
      case "MessageId": message.id = try reader.readText() ?? ""
      case "ReceiptHandle": message.receiptHandle = try reader.readText() ?? ""
      case "Body": message.body = try reader.readString()
      case "MD5OfBody": bodyDigest = try reader.readTextBytes()
      case "MD5OfMessageAttributes": attributesDigest = try reader.readTextBytes()
      case "Attributes":
        try reader.readObject { reader, name in
          Self.set(name, try reader.readTextBytes(), in: &message)
        }
      case "MessageAttributes":
        // Of what comes twice the last counts, as everywhere in JSON: two messages that ran together do not share them.
        message.attributes = [:]
        try reader.readObject { reader, name in
          message.attributes[name.text] = try Self.readAttribute(&reader)
        }
      default: try reader.skipValue()
      }
    }
    // Events without a name of their own are known by their messages' ids: two without an id would be one event.
    let isWhole =
      !message.id.isEmpty && !message.receiptHandle.isEmpty && !message.body.isEmpty
      && Self.isMatch(bodyDigest, Crypto.md5(message.body))
      && Self.isMatch(attributesDigest, message.attributes.digest)
    if isWhole {
      // What would overtake one that must come again comes again behind it.
      if corrupted.isEmpty || !keepsOrder { messages.append(message) }
    } else {
      corrupted.append(message.id)
    }
  }

  /// A digest that one side does not know is not compared.
  private static func isMatch(_ theirs: ArraySlice<UInt8>?, _ own: @autoclosure () -> [UInt8]?) -> Bool {
    guard let theirs, let own = own() else { return true }
    return own.isHexadecimal(theirs)
  }

  private static func set(_ name: JSONReader.Name, _ value: ArraySlice<UInt8>?, in message: inout ReceivedMessage) {
    var text: String? { value.map { String(decoding: $0, as: UTF8.self) } }
    switch name {
    case "ApproximateReceiveCount":
      message.receiveCount = value.flatMap(Self.number).map { Int(min(max($0, 1), 1_000_000)) } ?? 1
    case "SentTimestamp": message.sentAt = date(value)
    case "ApproximateFirstReceiveTimestamp": message.firstReceivedAt = date(value)
    case "MessageGroupId": message.groupID = text
    case "MessageDeduplicationId": message.deduplicationID = text
    case "AWSTraceHeader": message.traceHeader = text
    default: break
    }
  }

  /// Milliseconds since 1970; nil for what no calendar could show.
  private static func date(_ text: ArraySlice<UInt8>?) -> Date? {
    guard let milliseconds = text.flatMap(number), (0..<253_402_300_800_000).contains(milliseconds) else { return nil }
    return Date(timeIntervalSince1970: milliseconds / 1000)
  }

  /// nil for what is no finite number.
  private static func number(_ text: ArraySlice<UInt8>) -> Double? {
    // Digits are all that is usual.
    if let integer = JSONText.integer(text) { return Double(integer) }
    return Double(String(decoding: text, as: UTF8.self)).flatMap { $0.isFinite ? $0 : nil }
  }

  private static func readAttribute(_ reader: inout JSONReader) throws -> MessageAttribute {
    var attribute = MessageAttribute(dataType: "String", value: .string(""))
    try reader.readObject { reader, name in
      switch name {
      case "DataType": attribute.dataType = try reader.readText() ?? "String"
      case "StringValue":
        if let text = try reader.readText() { attribute.value = .string(text) }
      case "BinaryValue":
        if let text = try reader.readText(), let data = Data(base64Encoded: text) {
          attribute.value = .binary(Array(data))
        }
      default: try reader.skipValue()
      }
    }
    return attribute
  }
}
