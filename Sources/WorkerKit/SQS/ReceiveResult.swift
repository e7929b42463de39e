import Foundation

/// A receive's answer: the messages that came whole.
struct ReceiveResult {
  private(set) var messages: [ReceivedMessage] = []
  /// Ids of messages whose body is not the one that was sent.
  private(set) var corrupted: [String] = []

  /// - Throws: ``JSONReader/SyntaxError`` where the answer is not the protocol's.
  init(_ bytes: [UInt8]) throws {
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
    var digest: String?
    try reader.readObject { reader, name in
      switch name {
      case "MessageId": message.id = try reader.readText() ?? ""
      case "ReceiptHandle": message.receiptHandle = try reader.readText() ?? ""
      case "Body": message.body = try reader.readString()
      case "MD5OfBody": digest = try reader.readText()
      case "Attributes":
        try reader.readObject { reader, name in
          Self.set(name, try reader.readText(), in: &message)
        }
      case "MessageAttributes":
        try reader.readObject { reader, name in
          message.attributes[name] = try Self.readAttribute(&reader)
        }
      default: try reader.skipValue()
      }
    }
    if let digest, let own = Crypto.md5(message.body), digest.lowercased() != own.hexadecimal {
      corrupted.append(message.id)
    } else {
      messages.append(message)
    }
  }

  private static func set(_ name: String, _ value: String?, in message: inout ReceivedMessage) {
    switch name {
    case "ApproximateReceiveCount": message.receiveCount = value.flatMap { Int($0) } ?? 1
    case "SentTimestamp": message.sentAt = date(value)
    case "ApproximateFirstReceiveTimestamp": message.firstReceivedAt = date(value)
    case "MessageGroupId": message.groupID = value
    case "MessageDeduplicationId": message.deduplicationID = value
    case "AWSTraceHeader": message.traceHeader = value
    default: break
    }
  }

  /// Milliseconds since 1970.
  private static func date(_ text: String?) -> Date? {
    text.flatMap { Double($0) }.map { Date(timeIntervalSince1970: $0 / 1000) }
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
