/// An id that the platform gave: of an item type, a character, a community or a user.
///
/// 1 to 128 Unicode scalars; no control or formatting characters, and no white space around it, so that it can be
/// logged and printed as it is.
struct Identifier: CheckedValue {
  static let lengths = 1...128

  let rawValue: String

  init?(rawValue: String) {
    let scalars = rawValue.unicodeScalars
    guard
      Self.lengths.contains(scalars.count),
      let first = scalars.first, !first.properties.isWhitespace,
      let last = scalars.last, !last.properties.isWhitespace,
      scalars.allSatisfy(Self.isPrintable)
    else { return nil }
    self.rawValue = rawValue
  }

  static var expected: String {
    "expected an id of \(lengths.lowerBound) to \(lengths.upperBound) characters, "
      + "without control characters or spaces around it"
  }

  private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned: false
    default: true
    }
  }
}
