/// Makes untrusted text safe to print on a terminal.
///
/// Text from a producer, a file or another server can contain terminal control sequences, marks that change the writing
/// direction, invisible characters, and line breaks that imitate lines of output. These functions replace each of them
/// by its escape: `\u{1b}`. An emoji that consists of several scalars, or that selects its presentation, is shown in
/// parts.
///
///     print(TerminalText.line(item.name))
public enum TerminalText {
  /// Escapes text for one line.
  ///
  /// - Parameters:
  ///   - text: Any text.
  ///   - limit: How many Unicode scalars of the text to show. An ellipsis replaces the rest.
  /// - Returns: The escaped text.
  public static func line(_ text: String, limit: Int = .max) -> String {
    escaped(shortened(text, to: limit)) { scalar in
      switch scalar {
      case "\n": #"\n"#
      case "\r": #"\r"#
      case "\t": #"\t"#
      default: #"\u{\#(String(scalar.value, radix: 16))}"#
      }
    }
  }

  /// Escapes text, but keeps its line breaks and tabs.
  public static func lines(_ text: String) -> String {
    escaped(text) { $0 == "\n" || $0 == "\t" ? String($0) : #"\u{\#(String($0.value, radix: 16))}"# }
  }

  /// Escapes a JSON document without changing its meaning. Line breaks and tabs stay, because JSON strings cannot contain
  /// them. A carriage return is white space, and becomes a space, because a terminal would overwrite the line.
  package static func json(_ document: String) -> String {
    escaped(document) { scalar in
      switch scalar {
      case "\n", "\t": String(scalar)
      case "\r": " "
      default: jsonEscape(scalar)
      }
    }
  }

  /// Escapes a scalar as JSON does: `\u001b`, and two escapes for a scalar above U+FFFF.
  package static func jsonEscape(_ scalar: Unicode.Scalar) -> String {
    String(scalar).utf16.map { unit in
      let digits = String(unit, radix: 16)
      return #"\u"# + String(repeating: "0", count: 4 - digits.count) + digits
    }.joined()
  }

  /// Returns the start of a text. The limit counts scalars, because a character can consist of any number of them.
  package static func shortened(_ text: String, to limit: Int) -> String {
    let scalars = text.unicodeScalars
    guard let end = scalars.index(scalars.startIndex, offsetBy: limit, limitedBy: scalars.endIndex),
      end < scalars.endIndex
    else { return text }
    return String(scalars[..<end]) + "…"
  }

  /// Returns the start and the end of a text, with an ellipsis between them. The start of an error message names the
  /// failure, and its end the remedy.
  package static func shortenedInside(_ text: String, to limit: Int) -> String {
    let scalars = Array(text.unicodeScalars)
    guard scalars.count > limit else { return text }
    let end = (limit - 1) / 2
    return String(String.UnicodeScalarView(scalars.prefix(limit - 1 - end))) + "…"
      + String(String.UnicodeScalarView(scalars.suffix(end)))
  }

  package static func isUnprintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x20..<0x7F: false
    // It is blank, although Unicode classifies it as a symbol.
    case 0x2800: true
    // Default-ignorable scalars are invisible, so that two different names look the same. Format scalars change the
    // writing direction.
    default:
      scalar.properties.isDefaultIgnorableCodePoint
        || [.control, .format, .lineSeparator, .paragraphSeparator].contains(scalar.properties.generalCategory)
    }
  }

  private static func escaped(_ text: String, by escape: (Unicode.Scalar) -> String) -> String {
    guard text.unicodeScalars.contains(where: isUnprintable) else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
      if isUnprintable(scalar) {
        result += escape(scalar)
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
