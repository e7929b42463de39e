import WorkerKit

/// How many of an item are awarded: a whole number from 1 to 1 000 000 000.
///
/// The limit keeps a producer's slip from looking like a prize, and leaves a stack room for nine million of the
/// largest awards.
struct Quantity: CheckedValue {
  static let range = 1...1_000_000_000
  /// What an event without `quantity` means.
  static let one = Quantity(checked: 1)

  let rawValue: Int

  init?(rawValue: Int) {
    guard Self.problem(with: rawValue) == nil else { return nil }
    self.init(checked: rawValue)
  }

  static func problem(with rawValue: Int) -> String? {
    if rawValue < range.lowerBound { return "the number is below \(range.lowerBound)" }
    return rawValue > range.upperBound ? "the number is above \(range.upperBound)" : nil
  }

  private init(checked rawValue: Int) {
    self.rawValue = rawValue
  }

  static var expected: String { "expected a whole number from \(range.lowerBound) to \(range.upperBound)" }

  static var constraints: JSONSchema {
    [
      "type": "integer", "minimum": .integer(range.lowerBound), "maximum": .integer(range.upperBound),
      "examples": [1, 5],
    ]
  }
}
