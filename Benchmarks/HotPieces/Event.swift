import COpenSSL
import Foundation
import WorkerKit

/// The event of all pieces: items for a Discord user, as the bot sends it.
enum Event {
  static let type = "ITEM_AWARDED"

  /// About 180 bytes. Its ids are those of the demo's catalog, and its user has linked no account.
  static let body = """
    {"eventType":"ITEM_AWARDED","discordGuildId":"123456789012345678","discordUserId":"987654321098765432",\
    "itemTypeId":"cluid123abc","quantity":5,"reason":"Winner of the \\u00e4utumn raffle \\"Gold & Glory\\""}
    """

  static let attributes = [
    "IdempotencyKey": "raffle-2026-autumn/place-1/987654321098765432",
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
  ]

  /// The message as a receive brings it.
  ///
  /// - Parameter number: Makes it another message, and another event.
  static func message(_ number: Int) -> ReceivedMessage {
    var attributes = attributes.mapValues { MessageAttribute.string($0) }
    attributes["IdempotencyKey"] = .string("raffle-2026-autumn/place-\(number)/987654321098765432")
    return ReceivedMessage(
      id: "5fea7756-0ea4-451a-a703-\(String(number + 100_000_000_000))", receiptHandle: "handle-\(number)",
      body: Array(body.utf8), attributes: attributes, sentAt: Date(timeIntervalSince1970: 1_767_225_600),
      firstReceivedAt: Date(timeIntervalSince1970: 1_767_225_601))
  }
}

/// SQS's answer to a receive of ten, as its service sends it: about 11 KB.
///
/// Its digests are made here, with nothing of the worker's, which checks them.
enum ReceiveAnswer {
  static func body() throws -> [UInt8] {
    let messages = (0..<10).map { number -> [String: Any] in
      [
        "MessageId": "5fea7756-0ea4-451a-a703-a558b933e27\(number)",
        "ReceiptHandle": handle(number),
        "MD5OfBody": md5(Array(Event.body.utf8)),
        "Body": Event.body,
        "Attributes": [
          "ApproximateFirstReceiveTimestamp": "1767225601250", "ApproximateReceiveCount": "1",
          "SentTimestamp": "1767225600000",
        ],
        "MD5OfMessageAttributes": md5(encoded(Event.attributes)),
        "MessageAttributes": Event.attributes.mapValues { ["DataType": "String", "StringValue": $0] },
      ]
    }
    return Array(
      try JSONSerialization.data(
        withJSONObject: ["Messages": messages], options: [.sortedKeys, .withoutEscapingSlashes]))
  }

  /// As long as SQS's are, and as meaningless.
  private static func handle(_ number: Int) -> String {
    "AQEB" + String(repeating: "wJnKyrHigUMZj6rYigCgxlaS3SLy0a\(number)/", count: 12) + "UQzBGbHbT8hQ=="
  }

  /// A message's attributes as their digest is defined: name, type and value in the names' order, each after its length.
  private static func encoded(_ attributes: [String: String]) -> [UInt8] {
    func part(_ text: String) -> [UInt8] {
      withUnsafeBytes(of: UInt32(text.utf8.count).bigEndian) { Array($0) } + text.utf8
    }
    return attributes.sorted { $0.key < $1.key }.flatMap { part($0.key) + part("String") + [1] + part($0.value) }
  }

  private static func md5(_ bytes: [UInt8]) -> String {
    var digest = [UInt8](repeating: 0, count: 16)
    EVP_Digest(bytes, bytes.count, &digest, nil, EVP_md5(), nil)
    return digest.map { String(format: "%02x", $0) }.joined()
  }
}
