import Yams

/// A part of a value in a document, for the position of a problem.
struct YAMLPlace {
  private(set) var node: Node
  private var input: ConfigurationInput
  /// The path that follows the key's name: `[2].name`.
  private(set) var suffix = ""

  init(_ node: Node, _ input: ConfigurationInput) {
    self.node = node
    self.input = input
  }

  func followed(by path: [ConfigurationValueError.Step]) -> YAMLPlace {
    path.reduce(into: self) { $0.follow($1) }
  }

  private mutating func follow(_ step: ConfigurationValueError.Step) {
    switch (step, input) {
    case (.item(let index), .list(let items)) where items.indices.contains(index):
      suffix += "[\(index)]"
      input = items[index]
      node = node.sequence?[index] ?? node
    case (.value(of: let name), .mapping(let entries)):
      suffix += ".\(name)"
      input = entries[name] ?? input
      node = node.mapping?.first { $0.key.scalar?.string == name }?.value ?? node
    case (.name(let name), .mapping):
      suffix += ".\(name)"
      input = .text(name)
      node = node.mapping?.first { $0.key.scalar?.string == name }?.key ?? node
    default: break
    }
  }

  /// The end of a message: the received value instead of the expected one.
  var shown: String {
    switch input {
    case .text(let text): ", but it is `\(YAMLReader.shown(text))`"
    case .list: ", but it is a list"
    case .mapping: ", but it is a mapping"
    }
  }
}
