/// The answer to a batch: what became of each of its entries.
struct BatchResult {
  struct Success {
    var messageID = ""
    /// In hexadecimal, of the body that was taken.
    var bodyDigest: String?
  }

  struct Failure: Error {
    var code: String
    var message: String
  }

  /// In the order of the batch's entries; nil for those of which the answer says nothing.
  private(set) var outcomes: [Result<Success, Failure>?]

  /// - Parameter count: How many entries the batch had; their places are their ids.
  /// - Throws: ``JSONReader/SyntaxError`` where the answer is not the protocol's.
  init(_ bytes: [UInt8], count: Int) throws {
    outcomes = Array(repeating: nil, count: count)
    var reader = JSONReader(bytes)
    try reader.readObject { reader, name in
      guard name == "Successful" || name == "Failed" else { return try reader.skipValue() }
      let isFailure = name == "Failed"
      guard try !reader.readNull() else { return }
      try reader.readArray { try readEntry(&$0, isFailure: isFailure) }
    }
    try reader.finish()
  }

  private mutating func readEntry(_ reader: inout JSONReader, isFailure: Bool) throws {
    let start = reader
    var id: String?
    var success = Success()
    var code: String?
    var message: String?
    try reader.readObject { reader, name in
      switch name {
      case "Id": id = try reader.readText()
      case "MessageId": success.messageID = try reader.readText() ?? ""
      case "MD5OfMessageBody": success.bodyDigest = try reader.readText()
      case "Code": code = try reader.readText()
      case "Message": message = try reader.readText()
      default: try reader.skipValue()
      }
    }
    // An entry that cannot be told from the others, or a failure without a cause, is not SQS's.
    guard let id, code != nil || !isFailure else { throw start.syntaxError }
    guard let index = Int(id), outcomes.indices.contains(index), String(index) == id else { return }
    if let code, isFailure {
      // The first counts, and more than a success that the answer has of the same entry.
      if case .failure = outcomes[index] { return }
      outcomes[index] = .failure(Failure(code: code, message: message ?? code))
    } else if outcomes[index] == nil {
      outcomes[index] = .success(success)
    }
  }
}
