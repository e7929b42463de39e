import Foundation
package import WorkerKit

/// The response to a receive, with the messages that are intact.
package struct ReceiveResult {
  package private(set) var messages: [ReceivedMessage] = []
  /// The ids of corrupted messages: their body or attributes do not match their MD5, or a required member is missing.
  private(set) var corrupted: [String] = []

  private let keepsOrder: Bool

  /// Parses a response.
  ///
  /// - Parameter keepsOrder: Whether messages must not overtake each other. If so, all messages behind a corrupted one
  ///   are dropped.
  /// - Throws: ``JSONReader/SyntaxError`` if the response does not follow the protocol.
  package init(_ bytes: [UInt8], keepsOrder: Bool = false) throws {
    self.keepsOrder = keepsOrder
    // A response without a body contains no messages.
    guard !bytes.isEmpty else { return }
    var reader = JSONReader(bytes)
    // Some servers write null for an absent member. If a member occurs twice, the last one is used, as in all JSON here; the
    // two must not be merged.
    try reader.readObject { reader, name in
      guard name == "Messages" else { return try reader.skipValue() }
      (messages, corrupted) = ([], [])
      try reader.readArrayOrNull { reader in
        guard try !reader.readNull() else { return }
        try readMessage(&reader)
      }
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
      case "Body": message.body = try reader.readNull() ? [] : reader.readString()
      case "MD5OfBody": bodyDigest = try reader.readTextBytes()
      case "MD5OfMessageAttributes": attributesDigest = try reader.readTextBytes()
      case "Attributes":
        Self.resetSystemAttributes(of: &message)
        try reader.readObjectOrNull { reader, name in
          Self.set(name, try reader.readTextBytes(), in: &message)
        }
      case "MessageAttributes":
        message.attributes = [:]
        try reader.readObjectOrNull { reader, name in
          message.attributes[name.text] = try reader.readNull() ? nil : Self.readAttribute(&reader)
        }
      default: try reader.skipValue()
      }
    }
    // Without an `IdempotencyKey`, the message id identifies the event: two messages without ids would be the same
    // event.
    let isWhole =
      !message.id.isEmpty && !message.receiptHandle.isEmpty && !message.body.isEmpty
      && Self.isMatch(bodyDigest, Crypto.md5(message.body))
      && Self.isMatch(attributesDigest, message.attributes.digest)
    if isWhole {
      // A message behind a corrupted one would overtake it, so it is dropped and delivered again later.
      if corrupted.isEmpty || !keepsOrder { messages.append(consume message) }
    } else {
      corrupted.append(message.id)
    }
  }

  /// Whether two digests match. If one is missing, they are not compared.
  private static func isMatch(_ theirs: ArraySlice<UInt8>?, _ own: @autoclosure () -> [UInt8]?) -> Bool {
    guard let theirs, let own = own() else { return true }
    return own.isHexadecimal(theirs)
  }

  /// If the member occurs twice, the last one is used.
  private static func resetSystemAttributes(of message: inout ReceivedMessage) {
    message.receiveCount = 1
    (message.sentAt, message.firstReceivedAt) = (nil, nil)
    (message.groupID, message.deduplicationID) = (nil, nil)
    (message.traceHeader, message.deadLetterQueueSourceARN) = (nil, nil)
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
    case "DeadLetterQueueSourceArn": message.deadLetterQueueSourceARN = text
    default: break
    }
  }

  /// Parses milliseconds since 1970. Returns nil for a value that is out of range for a calendar.
  private static func date(_ text: ArraySlice<UInt8>?) -> Date? {
    guard let milliseconds = text.flatMap(number), (0..<253_402_300_800_000).contains(milliseconds) else { return nil }
    return Date(timeIntervalSince1970: milliseconds / 1000)
  }

  /// Returns nil for a value that is not a finite number.
  private static func number(_ text: ArraySlice<UInt8>) -> Double? {
    // The fast path: the value is usually an integer.
    if let integer = JSONText.integer(text) { return Double(integer) }
    return Double(String(decoding: text, as: UTF8.self)).flatMap { $0.isFinite ? $0 : nil }
  }

  private static func readAttribute(_ reader: inout JSONReader) throws -> MessageAttribute {
    var dataType: String?
    var text: String?
    var data: Data?
    try reader.readObject { reader, name in
      switch name {
      case "DataType": dataType = try reader.readText()
      case "StringValue": text = try reader.readText()
      case "BinaryValue": data = try reader.readText().flatMap { Data(base64Encoded: $0) }
      default: try reader.skipValue()
      }
    }
    return MessageAttribute(
      dataType: dataType ?? "String", value: data.map { .binary(Array($0)) } ?? .string(text ?? ""))
  }
}
