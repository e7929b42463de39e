import Foundation

/// Turns a message's body into an event, and what is wrong with it into an error that a person can act on.
package enum EventDecoder {
  /// - Throws: an ``EventError`` of kind ``ErrorKind/validation`` that names the field, what was expected and what came.
  package static func decode<Event: Decodable>(_ type: Event.Type, from body: [UInt8]) throws -> Event {
    try decode(type, from: EventBody(body))
  }

  /// The same, of a body that has been read already.
  package static func decode<Event: Decodable>(_ type: Event.Type, from body: EventBody) throws -> Event {
    if let document = body.document {
      do {
        return try JSONValueDecoder(document).decode(type)
      } catch {
        // Foundation says what is wrong.
      }
    }
    return try decodeByFoundation(type, from: body.bytes)
  }

  static func decodeByFoundation<Event: Decodable>(_ type: Event.Type, from body: [UInt8]) throws -> Event {
    // JSONDecoder looks only at the strings it is asked for, so a broken one could pass in a field that nobody reads.
    guard String(validating: body, as: UTF8.self) != nil else {
      throw EventError(.validation, "the body is not UTF-8 text; expected a JSON object in UTF-8")
    }
    let data = Data(body)
    do {
      let decoder = JSONDecoder()
      decoder.dateDecodingStrategy = .custom(date)
      return try decoder.decode(type, from: data)
    } catch let error as DecodingError {
      throw explain(error, body: data)
    }
  }

  /// ISO 8601, with or without fractions of a second. A number would leave open what it counts, and from when.
  static func date(from decoder: any Decoder) throws -> Date {
    let container = try decoder.singleValueContainer()
    let text = try? container.decode(String.self)
    let styles = [Date.ISO8601FormatStyle(), Date.ISO8601FormatStyle(includingFractionalSeconds: true)]
    guard let date = styles.lazy.compactMap({ style in text.flatMap { try? style.parse($0) } }).first else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "expected a date and time such as 2026-01-31T12:00:00Z")
    }
    return date
  }

  private static func explain(_ error: DecodingError, body: Data) -> EventError {
    switch error {
    case .keyNotFound(let key, let context):
      let path = context.codingPath + [key]
      return EventError(
        .validation, "\(fieldName(path)): expected a value, but the field is missing", field: fieldName(path),
        received: "nothing")
    case .valueNotFound(let type, let context):
      return mismatch("expected \(phrase(for: type))", at: context.codingPath, body: body)
    case .typeMismatch(let type, let context):
      return mismatch("expected \(phrase(for: type))", at: context.codingPath, body: body)
    case .dataCorrupted(let context):
      guard let root = try? JSONSerialization.jsonObject(with: body, options: .fragmentsAllowed) else {
        return notJSON(context, body: body)
      }
      // Valid after all, and no event's own complaint: JSONDecoder says this of a number that does not fit.
      if context.codingPath.isEmpty, context.debugDescription.contains("not valid JSON") {
        return unrepresentableNumber(in: root, body: body)
      }
      // Swift's own words for an unknown case of an enum hold what came.
      let isUnknownCase = context.debugDescription.hasPrefix("Cannot initialize")
      return mismatch(
        isUnknownCase ? "expected one of the values that the event allows" : context.debugDescription,
        at: context.codingPath, body: body)
    @unknown default:
      return EventError(.validation, "the body is not the event that its handler expects")
    }
  }

  /// Foundation says that a number does not fit its field, but not which: a fraction or a giant where a whole number
  /// was expected. Those numbers are easily found, and there is seldom more than one.
  private static func unrepresentableNumber(in root: Any, body: Data) -> EventError {
    var paths: [[any CodingKey]] = []
    collectSuspectNumbers(in: root, path: [], into: &paths)
    guard paths.count == 1, let path = paths.first else {
      let names = paths.map(fieldName).joined(separator: " or ")
      return EventError(
        .validation, "\(names): expected a whole number, but a fraction or one of more than 18 digits came")
    }
    return mismatch("expected a whole number of at most 18 digits", at: path, body: body)
  }

  /// The first three: a hostile event can hold half a million.
  private static func collectSuspectNumbers(
    in value: Any, path: [any CodingKey], into paths: inout [[any CodingKey]]
  ) {
    guard paths.count < 3 else { return }
    switch value {
    case let object as [String: Any]:
      for (key, value) in object.sorted(by: { $0.key < $1.key }) {
        collectSuspectNumbers(in: value, path: path + [PathKey(key)], into: &paths)
      }
    case let array as [Any]:
      for (index, value) in array.enumerated() where paths.count < 3 {
        collectSuspectNumbers(in: value, path: path + [PathKey(index)], into: &paths)
      }
    case let number as NSNumber where Int64(exactly: number.doubleValue) == nil: paths.append(path)
    default: break
    }
  }

  private struct PathKey: CodingKey {
    let stringValue: String
    let intValue: Int?

    init(_ name: String) {
      stringValue = name
      intValue = nil
    }

    init(_ index: Int) {
      stringValue = "\(index)"
      intValue = index
    }

    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { self.init(intValue) }
  }

  private static func notJSON(_ context: DecodingError.Context, body: Data) -> EventError {
    let cause = (context.underlyingError as? CocoaError)?.userInfo[NSDebugDescriptionErrorKey] as? String
    return EventError(
      .validation,
      "the body is not JSON: expected a JSON object\(cause.map { "; the parser says: \($0)" } ?? "")",
      received: shortened(String(decoding: body.prefix(256), as: UTF8.self)))
  }

  private static func mismatch(_ expectation: String, at path: [any CodingKey], body: Data) -> EventError {
    let root = try? JSONSerialization.jsonObject(with: body, options: .fragmentsAllowed)
    let value = path.reduce(root) { value, key in
      if let index = key.intValue, let array = value as? [Any] {
        return array.indices.contains(index) ? array[index] : nil
      }
      return (value as? [String: Any])?[key.stringValue]
    }
    let subject = path.isEmpty ? "the body" : fieldName(path)
    return EventError(
      .validation, "\(subject): \(expectation), but \(typeName(value)) came",
      field: path.isEmpty ? nil : fieldName(path), received: value.map(rendered))
  }

  /// `rewards[2].itemTypeId`. A key can be the producer's own, so it is shortened, and holds no line of a log's.
  private static func fieldName(_ path: [any CodingKey]) -> String {
    path.prefix(16).reduce(into: "") { name, key in
      if let index = key.intValue {
        name += "[\(index)]"
      } else {
        let key = oneLine(key.stringValue, to: 80)
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
    default: "a value of another type"
    }
  }

  private static func typeName(_ value: Any?) -> String {
    switch value {
    case nil: "nothing"
    case is NSNull: "null"
    case let number as NSNumber: isBoolean(number) ? "true or false" : "a number"
    case is String: "a string"
    case is [Any]: "an array"
    case is [String: Any]: "an object"
    default: "something else"
    }
  }

  private static func isBoolean(_ number: NSNumber) -> Bool {
    String(cString: number.objCType) == "c"
  }

  private static func rendered(_ value: Any) -> String {
    let options: JSONSerialization.WritingOptions = [.fragmentsAllowed, .sortedKeys, .withoutEscapingSlashes]
    guard let data = try? JSONSerialization.data(withJSONObject: value, options: options) else { return "\(value)" }
    return shortened(String(decoding: data, as: UTF8.self))
  }

  /// Enough to recognise a value by, and no more: an event can be a megabyte.
  package static func shortened(_ text: String, to limit: Int = 80) -> String {
    text.count <= limit ? text : "\(text.prefix(limit))…"
  }

  /// The same, without what could end a line of a log.
  package static func oneLine(_ text: String, to limit: Int) -> String {
    shortened(text, to: limit).replacing(/[\p{Cc}\p{Zl}\p{Zp}]/, with: "\u{FFFD}")
  }
}
