import WorkerKit

/// The response to a batch: the outcome of each entry.
struct BatchResult {
  struct Success {
    var messageID = ""
    /// The digest of the received body, in hexadecimal.
    var bodyDigest: String?
  }

  struct Failure: Error {
    var code: String
    var message: String
  }

  /// The outcomes in the order of the entries; nil for entries that the response does not mention.
  let outcomes: [Result<Success, Failure>?]

  /// Parses a response. If a member occurs twice, the last one is used.
  ///
  /// - Parameter count: The number of entries. The id of an entry is its index.
  /// - Throws: ``JSONReader/SyntaxError`` if the response does not follow the protocol.
  init(_ bytes: [UInt8], count: Int) throws {
    var successful: [Entry] = []
    var failed: [Entry] = []
    var reader = JSONReader(bytes)
    try reader.readObject { reader, name in
      switch name {
      case "Successful": successful = try Self.readEntries(&reader)
      case "Failed": failed = try Self.readEntries(&reader, areFailures: true)
      default: try reader.skipValue()
      }
    }
    try reader.finish()
    var outcomes: [Result<Success, Failure>?] = Array(repeating: nil, count: count)
    // The first entry of an id takes precedence, and a failure over a success.
    for entries in [failed, successful] {
      for (index, outcome) in entries {
        guard let index, outcomes.indices.contains(index), outcomes[index] == nil else { continue }
        outcomes[index] = outcome
      }
    }
    self.outcomes = outcomes
  }

  private typealias Entry = (index: Int?, outcome: Result<Success, Failure>)

  private static func readEntries(_ reader: inout JSONReader, areFailures: Bool = false) throws -> [Entry] {
    var entries: [Entry] = []
    try reader.readArrayOrNull { reader in
      if try !reader.readNull() { entries.append(try readEntry(&reader, isFailure: areFailures)) }
    }
    return entries
  }

  private static func readEntry(_ reader: inout JSONReader, isFailure: Bool) throws -> Entry {
    let start = reader.syntaxError
    var id: ArraySlice<UInt8>?
    var success = Success()
    var code: String?
    var message: String?
    try reader.readObject { reader, name in
      switch name {
      case "Id": id = try reader.readTextBytes()
      case "MessageId": success.messageID = try reader.readText() ?? ""
      case "MD5OfMessageBody": success.bodyDigest = try reader.readText()
      case "Code": code = try reader.readText()
      case "Message": message = try reader.readText()
      default: try reader.skipValue()
      }
    }
    guard let id else { throw start }
    let index = Self.index(id)
    guard isFailure else { return (index, .success(success)) }
    // SQS never sends an entry without an id or a failure without a code.
    guard let code else { throw start }
    return (index, .failure(Failure(code: code, message: message ?? code)))
  }

  /// The number that an id is; nil for a text that no index is written as, such as `01`.
  private static func index(_ id: ArraySlice<UInt8>) -> Int? {
    guard id.count == 1 || id.first != UInt8(ascii: "0") else { return nil }
    return JSONText.integer(id).map { Int($0) }
  }
}
