/// The part of an event that every event has: its type.
struct Envelope: Decodable {
  let eventType: String

  /// - Throws: an ``EventError`` of kind ``ErrorKind/validation`` where the body is not a JSON object with a text
  ///   under `eventType`.
  init(body: EventBody) throws {
    if let eventType = body.document?.text(of: "eventType") {
      self.eventType = eventType
    } else {
      self = try EventDecoder.decode(Envelope.self, from: body)
    }
  }
}
