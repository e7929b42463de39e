/// An event as it came, for a handler that hands it on: to another server, to another program.
///
///     struct ForwardHandler: EventHandler {
///       func handle(_ event: RawEvent, context: HandlerContext) async throws {
///         try await client.post(event.body, key: context.idempotencyKey)
///       }
///     }
public struct RawEvent: Sendable {
  /// The message's body, byte for byte: a JSON object in UTF-8 with a text under `eventType`.
  public let body: [UInt8]

  /// - Parameter body: Not validated.
  public init(body: [UInt8]) {
    self.body = body
  }
}

extension RawEvent: JSONSchemaProviding {
  public static let jsonSchema: JSONSchema = ["type": "object"]

  /// A part of an event has no bytes of its own.
  ///
  /// - Throws: always. `EventDecoder` makes it of a whole body.
  public init(from decoder: any Decoder) throws {
    throw DecodingError.dataCorrupted(
      DecodingError.Context(
        codingPath: decoder.codingPath, debugDescription: "expected a whole event: a RawEvent cannot be a part of one"))
  }
}
