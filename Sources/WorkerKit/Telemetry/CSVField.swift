/// A field of a CSV file, as RFC 4180 has it, that no spreadsheet takes for a formula.
package enum CSVField {
  /// What starts a formula, in the full width of East Asian keyboards, too.
  private static let starts = "=+-@\t\r\n\u{FF1D}\u{FF0B}\u{FF0D}\u{FF20}".unicodeScalars

  /// Quotes a text if needed. A text that a spreadsheet would run begins with an apostrophe; a number stays one.
  package static func text(_ value: String) -> String {
    let isFormula = value.unicodeScalars.first.map { starts.contains($0) } ?? false && Double(value) == nil
    let shown = isFormula ? "'\(value)" : value
    guard shown.unicodeScalars.contains(where: { "\",\r\n".unicodeScalars.contains($0) }) else { return shown }
    return "\"\(shown.replacing("\"", with: "\"\""))\""
  }
}
