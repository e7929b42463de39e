extension EventBody {
  /// In bytes; no id is longer.
  private static let valueLimit = 256

  /// A text or a number of the body, as it is written there.
  ///
  /// - Parameter path: The names of members, from the outermost.
  /// - Returns: nil where there is none, or where it is longer than 256 bytes.
  func value(at path: [String]) -> String? {
    guard let document = try? document() else { return nil }
    var node = JSONDocument.root
    for name in path {
      guard let member = document.member(name, of: node) else { return nil }
      node = member
    }
    let found = document.nodes[node]
    guard found.range.count <= Self.valueLimit else { return nil }
    return found.isNumber ? String(decoding: document.literal(found), as: UTF8.self) : document.string(found)
  }
}
