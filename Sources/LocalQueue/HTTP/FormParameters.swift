/// The parameters of a form, and their equivalent in JSON: `Entry.1.Id=a` is `{"Entries": [{"Id": "a"}]}`.
struct FormParameters {
  private var values: [String: String] = [:]

  /// Parses a form.
  ///
  /// - Parameter text: `application/x-www-form-urlencoded`. Malformed parts are used unchanged.
  init(_ text: String) {
    for pair in text.split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      values[Self.decode(parts[0])] = parts.count == 2 ? Self.decode(parts[1]) : ""
    }
  }

  subscript(name: String) -> String? {
    get { values[name] }
    set { values[name] = newValue }
  }

  mutating func merge(_ other: FormParameters) {
    values.merge(other.values) { $1 }
  }

  var json: JSONValue {
    var root = Node()
    for (name, value) in values {
      let path = name.split(separator: ".")
      // SQS's deepest parameter has six parts. The limit bounds the recursion for an untrusted form.
      if path.count <= 8 { root.insert(value, at: path[...]) }
    }
    return root.json(named: "")
  }

  /// A node of the tree that the dots in the names describe.
  private struct Node {
    var value: String?
    var children: [String: Node] = [:]

    mutating func insert(_ value: String, at path: ArraySlice<Substring>) {
      guard let first = path.first else {
        self.value = value
        return
      }
      children[String(first), default: Node()].insert(value, at: path.dropFirst())
    }

    func json(named name: String) -> JSONValue {
      guard !children.isEmpty else {
        let text = value ?? ""
        if QueryNames.numbers.contains(name), let number = Int(text) { return .number(number) }
        return .string(text)
      }
      return .object(
        children.sorted { $0.key < $1.key }.map { key, node in
          if let list = QueryNames.lists[key] {
            return .init(list, .array(node.elements.map { $0.json(named: "") }))
          }
          // Clients write an empty list under its other name.
          if node.value == "", node.children.isEmpty, QueryNames.lists.values.contains(key) {
            return .init(key, .array([]))
          }
          if let map = QueryNames.maps[key], !node.elements.isEmpty {
            return .init(map.name, .object(node.elements.compactMap { $0.member(map) }))
          }
          return .init(key, node.json(named: key))
        })
    }

    /// The elements of a list: `1`, `2` and so on.
    private var elements: [Node] {
      children.compactMap { key, node in Int(key).map { (index: $0, node: node) } }
        .sorted { $0.index < $1.index }.map(\.node)
    }

    private func member(_ map: QueryNames.Map) -> JSONValue.Member? {
      guard let key = children[map.key]?.value else { return nil }
      return .init(key, children[map.value]?.json(named: "") ?? .string(""))
    }
  }

  private static func decode(_ text: Substring) -> String {
    guard text.utf8.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) else { return String(text) }
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), let hex = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16),
        rest.count >= 2
      {
        bytes.append(hex)
        rest.removeFirst(2)
      } else {
        bytes.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
