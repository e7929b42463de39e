import Foundation

/// Turns a message's body into an event, and what is wrong with it into an error that a person can act on.
package enum EventDecoder {
  /// - Throws: an ``EventError`` of kind ``ErrorKind/validation`` that names the field, what was expected and what came.
  package static func decode<Event: Decodable>(_ type: Event.Type, from body: [UInt8]) throws -> Event {
    try decode(type, from: EventBody(body))
  }

  /// The same, of a body that has been read already.
  package static func decode<Event: Decodable>(_ type: Event.Type, from body: EventBody) throws -> Event {
    let document = try document(of: body)
    if Event.self == RawEvent.self { return rawEvent(of: body) }
    return try decode(type, from: document)
  }

  // Apart, because every call would otherwise ask the runtime for types that only a raw event needs.
  @inline(never)
  private static func rawEvent<Event>(of body: EventBody) -> Event {
    guard let event = RawEvent(body: body.bytes) as? Event else {
      preconditionFailure("a raw event was asked for as another type")
    }
    return event
  }

  static func decode<Event: Decodable>(_ type: Event.Type, from document: JSONDocument) throws -> Event {
    do {
      return try JSONValueDecoder(document).decode(type)
    } catch let error as DecodingError {
      throw explain(error, in: document)
    } catch let error as UnrepresentableNumber {
      throw mismatch("expected \(phrase(forNumber: error.type))", at: error.codingPath, in: document)
    }
  }

  /// - Throws: an ``EventError`` of kind ``ErrorKind/validation`` where the body is not JSON.
  static func document(of body: EventBody) throws -> JSONDocument {
    do {
      return try body.document()
    } catch let error as JSONReader.SyntaxError {
      throw notJSON(error, body.bytes)
    }
  }

  private static let dateExpectation = "a date and time such as 2026-01-31T12:00:00Z"

  /// ISO 8601, with or without fractions of a second. A number would leave open what it counts, and from when.
  static func date(from decoder: any Decoder) throws -> Date {
    let container = try decoder.singleValueContainer()
    let text = try? container.decode(String.self)
    let styles = [Date.ISO8601FormatStyle(), Date.ISO8601FormatStyle(includingFractionalSeconds: true)]
    guard let date = styles.lazy.compactMap({ style in text.flatMap { try? style.parse($0) } }).first else {
      throw DecodingError.dataCorruptedError(
        in: container,
        debugDescription: "expected \(dateExpectation)" + (text == nil ? "" : ", but the text that came is none"))
    }
    return date
  }

  private static func explain(_ error: DecodingError, in document: JSONDocument) -> EventError {
    switch error {
    case .keyNotFound(let key, let context):
      let path = context.codingPath + [key]
      return EventError(
        .validation, "\(fieldName(path)): expected a value, but the field is missing", field: fieldName(path),
        received: "nothing")
    case .valueNotFound(let type, let context), .typeMismatch(let type, let context):
      return mismatch("expected \(phrase(for: type))", at: context.codingPath, in: document)
    case .dataCorrupted(let context):
      // Swift's own words for an unknown case of an enum hold what came.
      let isUnknownCase = context.debugDescription.hasPrefix("Cannot initialize")
      return mismatch(
        isUnknownCase ? "expected one of the values that the event allows" : context.debugDescription,
        at: context.codingPath, in: document)
    @unknown default:
      return EventError(.validation, "the body is not the event that its handler expects")
    }
  }

  private static func notJSON(_ error: JSONReader.SyntaxError, _ body: [UInt8]) -> EventError {
    guard String(validating: body, as: UTF8.self) != nil else {
      return EventError(.validation, "the body is not UTF-8 text; expected a JSON object in UTF-8")
    }
    return EventError(
      .validation, "the body is not JSON: \(explanation(of: error, body)); expected a JSON object",
      received: shortened(String(decoding: body.prefix(256), as: UTF8.self)))
  }

  /// Where a body stops being JSON, in words.
  private static func explanation(of error: JSONReader.SyntaxError, _ body: [UInt8]) -> String {
    if error.isTooDeep { return "it is nested more than \(JSONDocument.depthLimit) deep" }
    let before = body.prefix(error.offset)
    let line = before.count(where: { $0 == UInt8(ascii: "\n") }) + 1
    let start = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    let column = String(decoding: before[start...], as: UTF8.self).unicodeScalars.count + 1
    let place = "line \(line), column \(column)"
    if error.offset >= body.count { return "it ends too early, in \(place)" }
    // A byte order mark is invisible.
    let isMark = body[error.offset...].starts(with: [0xEF, 0xBB, 0xBF])
    return "\(place) is where it stops being JSON\(isMark ? ", with a byte order mark" : "")"
  }

  private static func mismatch(
    _ expectation: String, at path: [any CodingKey], in document: JSONDocument
  ) -> EventError {
    let node = document.value(at: path)
    let literal = node.map(document.literal)
    let subject = path.isEmpty ? "the body" : fieldName(path)
    // A type that checks its values can say itself what is wrong with one.
    let complaint =
      expectation.contains(", but ") ? expectation : "\(expectation), but \(received(node, literal, expectation))"
    let isUnquoted = expectation == "expected a string" && node?.isNumber == true
    return EventError(
      .validation, "\(subject): \(complaint)\(isUnquoted ? "; put it in quotes" : "")",
      field: path.isEmpty ? nil : fieldName(path),
      // Enough bytes for what is shown of it.
      received: literal.map { shortened(String(decoding: $0.prefix(1024), as: UTF8.self)) })
  }

  /// `rewards[2].itemTypeId`. A key can be the producer's own, so it is shortened, and holds no line of a log's.
  private static func fieldName(_ path: [any CodingKey]) -> String {
    path.prefix(16).reduce(into: "") { name, key in
      if let index = key.intValue {
        name += "[\(index)]"
      } else {
        let key = TerminalText.line(key.stringValue, limit: 80)
        name += name.isEmpty ? key : ".\(key)"
      }
    }
  }

  private static func phrase(for type: any Any.Type) -> String {
    switch type {
    case is String.Type: "a string"
    case is Bool.Type: "true or false"
    case is any BinaryInteger.Type: "a whole number"
    case is any BinaryFloatingPoint.Type: "a number"
    case is [String: Any].Type: "an object"
    case is [Any].Type: "an array"
    case is Date.Type: dateExpectation
    case is URL.Type: "a URL"
    case is Data.Type: "bytes in Base64"
    case is Decimal.Type: "a number"
    default: "a value of another type"
    }
  }

  /// For a number that its type cannot hold.
  private static func phrase(forNumber type: any Any.Type) -> String {
    switch type {
    case is Int.Type, is Int64.Type: "a whole number of at most 18 digits"
    case let type as any FixedWidthInteger.Type: "a whole number from \(type.min) to \(type.max)"
    default: "a number in the range of \(type), but another came"
    }
  }

  /// What is wrong with what came, without showing it: where its type is the right one, that alone explains nothing.
  private static func received(_ node: JSONNode?, _ literal: ArraySlice<UInt8>?, _ expectation: String) -> String {
    guard let node, let literal else { return "nothing came" }
    if node.isNumber, expectation.contains("whole number"),
      let number = Double(String(decoding: literal, as: UTF8.self)), number.isFinite
    {
      if number.rounded() != number { return "a fraction came" }
      return abs(number) >= 1e18 ? "one of more than 18 digits came" : "another number came"
    }
    if node.isString, expectation.contains("one of") { return "another came" }
    return switch node.kind {
    case .null: "null came"
    case .true, .false: "true or false came"
    case .integer, .fraction: "a number came"
    case .asciiString, .unicodeString, .escapedString: "a string came"
    case .array: "an array came"
    case .object: "an object came"
    }
  }

  /// Enough to recognise a value by, and no more: an event can be a megabyte.
  package static func shortened(_ text: String, to limit: Int = 80) -> String {
    TerminalText.shortened(text, to: limit)
  }
}
