import WorkerKit

/// An id that the platform gave: of an item type, a character, a community or a user.
///
/// 1 to 128 Unicode scalars; no control or formatting characters, and no white space around it, so that it can be
/// logged and printed as it is.
struct Identifier: CheckedValue {
  static let lengths = 1...128

  let rawValue: String

  /// By bytes, as databases compare them. Swift calls texts equal that Unicode does, and their hashes too.
  static func == (left: Identifier, right: Identifier) -> Bool {
    left.rawValue.utf8.elementsEqual(right.rawValue.utf8)
  }

  init?(rawValue: String) {
    guard Self.problem(with: rawValue) == nil else { return nil }
    self.rawValue = rawValue
  }

  static func problem(with rawValue: String) -> String? {
    let scalars = rawValue.unicodeScalars
    guard let first = scalars.first, let last = scalars.last else { return "the text is empty" }
    guard scalars.count <= lengths.upperBound else { return "the text is longer" }
    guard !first.properties.isWhitespace, !last.properties.isWhitespace else {
      return "the text has white space at an end"
    }
    return scalars.allSatisfy(isPrintable) ? nil : "the text holds a control or formatting character"
  }

  static var expected: String {
    "expected an id of \(lengths.lowerBound) to \(lengths.upperBound) characters, "
      + "without control characters or spaces around it"
  }

  /// Patterns know neither categories of characters everywhere nor those beyond U+FFFF: these are the control and
  /// formatting characters below that, and what is unassigned is left to ``init(rawValue:)``.
  static var constraints: JSONSchema {
    let unprintable =
      #"[\u0000-\u001F\u007F-\u009F\u00AD\u0600-\u0605\u061C\u06DD\u070F\u0890\u0891\u08E2\u180E\u200B-\u200F"#
      + #"\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB]"#
    return [
      "type": "string", "minLength": .integer(lengths.lowerBound), "maxLength": .integer(lengths.upperBound),
      "pattern": #"^\S"#, "not": ["anyOf": [["pattern": #"\s$"#], ["pattern": .string(unprintable)]]],
      "examples": ["cluid123abc"],
    ]
  }

  private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    // Most ids have no others, and asking Unicode takes longer than reading them.
    if (" "..."~").contains(scalar) { return true }
    return switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned: false
    default: true
    }
  }
}
