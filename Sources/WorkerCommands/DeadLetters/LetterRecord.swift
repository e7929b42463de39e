import Foundation
import WorkerKit

/// A letter in JSON.
struct LetterRecord: Encodable {
  struct Attribute: Encodable {
    var dataType: String
    var stringValue: String?
    var binaryValue: Data?

    init(_ attribute: MessageAttribute) {
      dataType = attribute.dataType
      switch attribute.value {
      case .string(let text): stringValue = text
      case .binary(let bytes): binaryValue = Data(bytes)
      }
    }
  }

  var id: String
  /// Of the event's first message.
  var originalId: String
  var idempotencyKey: String
  var route: String?
  var eventType: String?
  var kind: String?
  var sent: Date?
  var firstReceived: Date?
  var receiveCount: Int
  var bytes: Int
  var groupId: String?
  var deduplicationId: String?
  var traceHeader: String?
  var failure: WorkerFailure?
  /// Of the time before it was redriven.
  var earlierFailure: WorkerFailure?
  var body: String?
  /// Where the body is no UTF-8.
  var bodyBase64: Data?
  var attributes: [String: Attribute]?

  /// - Parameter isWhole: with body and attributes.
  init(_ letter: DeadLetter, isWhole: Bool) {
    let message = letter.message
    id = letter.id
    originalId = letter.originalMessageID
    idempotencyKey = letter.idempotencyKey
    route = letter.route
    eventType = letter.eventType
    kind = letter.kind
    sent = message.sentAt
    firstReceived = message.firstReceivedAt
    receiveCount = message.receiveCount
    bytes = message.body.count
    groupId = message.groupID
    deduplicationId = message.deduplicationID
    traceHeader = message.traceHeader
    failure = letter.failure
    earlierFailure = letter.earlierFailure
    guard isWhole else { return }
    body = letter.text
    bodyBase64 = body == nil ? Data(message.body) : nil
    attributes = message.attributes.mapValues(Attribute.init)
  }

  /// The ids of the letters in a file of such lines.
  static func ids(inFile path: String) throws -> Set<String> {
    struct Line: Decodable { var id: String }
    let lines = try textFile(at: path).split(separator: "\n")
    return try Set(
      lines.enumerated().map { index, line in
        guard let line = try? JSONDecoder().decode(Line.self, from: Data(line.utf8)) else {
          throw CommandError("\(path): letter \(index + 1) is not one that `dead-letters export` writes")
        }
        return line.id
      })
  }

  /// One line, without its end.
  func line() throws -> Data {
    let encoder = JSONEncoder()
    encoder.dateEncodingStrategy = .iso8601
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(self)
  }
}
