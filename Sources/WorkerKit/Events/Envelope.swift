/// The part of an event that every event has: its type.
struct Envelope: Decodable {
  let eventType: String

  /// - Throws: an ``EventError`` of kind ``ErrorKind/validation`` where the body is not a JSON object with a text under
  ///   `eventType`, once.
  init(body: EventBody) throws {
    let document = try EventDecoder.document(of: body)
    let found = document.find(CodingKeys.eventType.stringValue, in: JSONDocument.root)
    if let found, !found.isRepeated, let eventType = document.string(document.nodes[found.value]) {
      self.eventType = eventType
      return
    }
    // Another reader of the event could take the other one for its type.
    if found?.isRepeated == true {
      throw EventError(
        .validation, "eventType: expected one value, but the body has the name more than once", field: "eventType")
    }
    do {
      self = try EventDecoder.decode(Envelope.self, from: document)
    } catch let error as EventError {
      guard let hint = ForeignBody.hint(for: document) else { throw error }
      throw EventError(error.kind, "\(error.message); \(hint)", field: error.field, received: error.received)
    }
  }
}
