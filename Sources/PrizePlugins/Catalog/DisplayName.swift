/// A name for people: 1 to 200 Unicode scalars, not only white space, on one line.
struct DisplayName {
  static let lengths = 1...200
  static let expected =
    "expected text of \(lengths.lowerBound) to \(lengths.upperBound) characters without control characters"

  let text: String

  init?(_ text: String) {
    let scalars = text.unicodeScalars
    guard
      Self.lengths.contains(scalars.count),
      scalars.contains(where: { !$0.properties.isWhitespace }),
      scalars.allSatisfy({ ![.control, .lineSeparator, .paragraphSeparator].contains($0.properties.generalCategory) })
    else { return nil }
    self.text = text
  }
}
