/// Guesses what a mistyped key was meant to be.
enum NearestName {
  /// The name at the least edit distance, case aside; nil when none is near enough to be a slip.
  static func of(_ typed: String, among names: [String]) -> String? {
    let nearest = names.map { (name: $0, distance: distance($0.lowercased(), typed.lowercased())) }
      .min { $0.distance < $1.distance }
    guard let nearest, nearest.distance <= max(2, typed.count / 3), nearest.distance < typed.count else { return nil }
    return nearest.name
  }

  /// How many characters must be put in, taken out or replaced.
  private static func distance(_ left: String, _ right: String) -> Int {
    let right = Array(right)
    var row = Array(0...right.count)
    for (i, character) in left.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, other) in right.enumerated() {
        let replaced = diagonal + (character == other ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(replaced, row[j] + 1, row[j + 1] + 1)
      }
    }
    return row[right.count]
  }
}
