import WorkerKit
import Yams

/// Reads a ``Catalog`` from YAML, and goes on after a problem so as to find them all.
struct CatalogReader {
  private var catalog: Catalog
  private var reader: YAMLReader
  private var firstPositions: [String: Catalog.Position] = [:]

  /// - Parameters:
  ///   - yaml: The file's text.
  ///   - file: Its name, for messages.
  /// - Throws: ``CatalogError`` with every problem.
  static func read(_ yaml: String, file: String) throws -> Catalog {
    var catalog = CatalogReader(file: file)
    if let root = catalog.reader.parse(yaml) {
      catalog.readRoot(root)
    } else if catalog.reader.error == nil {
      catalog.report("the file is empty; it needs communities, characters or accounts", at: nil)
    }
    if let error = catalog.reader.error { throw CatalogError(error) }
    return catalog.catalog
  }

  private init(file: String) {
    catalog = Catalog(file: file)
    reader = YAMLReader(file: file)
  }

  private mutating func readRoot(_ root: Node) {
    guard let entry = entry(root, "the catalog", ["communities", "characters", "accounts"]) else { return }
    catalog.communities = list(entry, "communities") { $0.community($1) }
    catalog.characters = list(entry, "characters") { $0.character($1) }
    catalog.accounts = list(entry, "accounts") { $0.account($1) }
  }

  private mutating func community(_ node: Node) -> Catalog.Community? {
    guard let entry = entry(node, "a community", ["id", "discordGuildId", "name", "itemTypes"]) else { return nil }
    let id: Identifier? = checked(entry, "id")
    let guild: DiscordGuildID? = checked(entry, "discordGuildId")
    let name = name(entry)
    let itemTypes = list(entry, "itemTypes") { $0.itemType($1) }
    unique(id, "community", entry, "id")
    unique(guild, "discordGuildId", entry, "discordGuildId")
    guard let id, let guild, let name else { return nil }
    return Catalog.Community(
      id: id, discordGuildId: guild, name: name, itemTypes: itemTypes, position: entry.position)
  }

  private mutating func itemType(_ node: Node) -> Catalog.ItemType? {
    guard let entry = entry(node, "an item type", ["id", "name", "stackable"]) else { return nil }
    let id: Identifier? = checked(entry, "id")
    let name = name(entry)
    let stackable = required(entry, "stackable").flatMap { node -> Bool? in
      let flag = node.bool
      if flag == nil { report("stackable: expected true or false", at: node) }
      return flag
    }
    // Across communities too: an item type belongs to one of them.
    unique(id, "item type", entry, "id")
    guard let id, let name, let stackable else { return nil }
    return Catalog.ItemType(id: id, name: name, stackable: stackable, position: entry.position)
  }

  private mutating func character(_ node: Node) -> Catalog.Character? {
    guard let entry = entry(node, "a character", ["id", "name"]) else { return nil }
    let id: Identifier? = checked(entry, "id")
    let name = name(entry)
    unique(id, "character", entry, "id")
    guard let id, let name else { return nil }
    return Catalog.Character(id: id, name: name, position: entry.position)
  }

  private mutating func account(_ node: Node) -> Catalog.Account? {
    guard let entry = entry(node, "an account", ["discordUserId", "userId"]) else { return nil }
    let discordUserId: DiscordUserID? = checked(entry, "discordUserId")
    let userId: Identifier? = checked(entry, "userId")
    unique(discordUserId, "discordUserId", entry, "discordUserId")
    guard let discordUserId, let userId else { return nil }
    return Catalog.Account(discordUserId: discordUserId, userId: userId, position: entry.position)
  }
}

// MARK: - Reading one entry

extension CatalogReader {
  /// A mapping whose keys are known.
  private struct Entry {
    var what: String
    var node: Node
    var values: [String: Node]

    var position: Catalog.Position { Catalog.Position(node.mark) }
  }

  private mutating func entry(_ node: Node, _ what: String, _ keys: [String]) -> Entry? {
    guard node.mapping != nil else {
      report("\(what) is a mapping with the keys \(keys.joined(separator: ", "))", at: node)
      return nil
    }
    return Entry(what: what, node: node, values: reader.section(node, what, keys: keys))
  }

  private mutating func required(_ entry: Entry, _ key: String) -> Node? {
    guard let node = entry.values[key] else {
      report("\(key) is missing in \(entry.what)", at: entry.node)
      return nil
    }
    return node
  }

  /// Reads the scalar as it is written: a bare `123456789012345678` is as good as a quoted one.
  private mutating func checked<Value: CheckedValue>(_ entry: Entry, _ key: String) -> Value?
  where Value.RawValue == String {
    guard let node = required(entry, key) else { return nil }
    guard let text = text(node), let value = Value(rawValue: text) else {
      report("\(key): \(Value.expected)", at: node)
      return nil
    }
    return value
  }

  private mutating func name(_ entry: Entry) -> String? {
    guard let node = required(entry, "name") else { return nil }
    // A name is shown on one line of a terminal.
    guard let text = text(node), let name = DisplayName(text) else {
      report("name: \(DisplayName.expected)", at: node)
      return nil
    }
    return name.text
  }

  private func text(_ node: Node) -> String? {
    // Nothing here may be a kilobyte long, and one alias can stand for as many as there are lines.
    guard let scalar = node.scalar, node.tag != Tag(.null), scalar.string.utf8.count <= 1024 else { return nil }
    return scalar.string
  }

  /// Left out, and empty, are an empty list.
  private mutating func list<Element>(
    _ entry: Entry,
    _ key: String,
    _ read: (inout CatalogReader, Node) -> Element?
  ) -> [Element] {
    guard let node = entry.values[key], node.tag != Tag(.null) else { return [] }
    guard let sequence = node.sequence else {
      report("\(key): expected a list", at: node)
      return []
    }
    return sequence.compactMap { read(&self, $0) }
  }

  private mutating func unique(_ id: (some CheckedValue)?, _ what: String, _ entry: Entry, _ key: String) {
    guard let id, let node = entry.values[key] else { return }
    let name = "\(what) \(id)"
    if let first = firstPositions[name] {
      report("\(name) is already named in line \(first.line)", at: node)
    } else {
      firstPositions[name] = Catalog.Position(node.mark)
    }
  }

  private mutating func report(_ message: @autoclosure () -> String, at node: Node?) {
    reader.report(message(), at: node)
  }
}
