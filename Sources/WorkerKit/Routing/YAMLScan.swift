// Yams bundles libyaml, but exposes only a tree and not libyaml's events.
internal import CYaml

/// Reads the events of a YAML document before a tree is built, and finds problems that a tree must not be built with.
///
/// A few hundred bytes of aliases can stand for more nodes than a machine can visit, and Yams visits all of them to
/// compare the keys of a mapping. The number of events stays small.
struct YAMLScan {
  /// The maximum number of nodes that aliases may add to the written nodes.
  static let aliasLimit = 100_000
  private static let depthLimit = 64
  static let tooDeep = "this is nested more than \(depthLimit) deep; is a bracket missing?"
  /// Tags with the same meaning as no tag.
  private static let tags = Set(
    ["str", "int", "float", "bool", "null", "map", "seq"].map { "tag:yaml.org,2002:\($0)" } + ["!"])

  /// A problem, with its line and column; both start at 1.
  struct Problem {
    var line: Int
    var column: Int
    var message: String
  }

  /// A mapping or a sequence that has not ended yet.
  private struct Collection {
    var anchor: String?
    var nodes = 1
  }

  private var open: [Collection] = []
  /// The number of nodes that each anchor stands for.
  private var anchors: [String: Int] = [:]
  private var nodesOfAliases = 0
  private var documents = 0

  /// Returns the first problem of a document. It is nil for a text that is not YAML, because Yams reports that.
  static func problem(in text: String) -> Problem? {
    var text = text
    return text.withUTF8 { bytes in
      var parser = yaml_parser_t()
      guard yaml_parser_initialize(&parser) == 1 else { return nil }
      defer { yaml_parser_delete(&parser) }
      yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING)
      yaml_parser_set_input_string(&parser, bytes.baseAddress, bytes.count)
      var scan = YAMLScan()
      while true {
        var event = yaml_event_t()
        guard yaml_parser_parse(&parser, &event) == 1 else { return nil }
        defer { yaml_event_delete(&event) }
        if event.type == YAML_STREAM_END_EVENT { return nil }
        if let message = scan.read(event) {
          return Problem(
            line: Int(event.start_mark.line) + 1, column: Int(event.start_mark.column) + 1, message: message)
        }
      }
    }
  }

  /// Processes an event, and returns its problem.
  private mutating func read(_ event: yaml_event_t) -> String? {
    switch event.type {
    case YAML_DOCUMENT_START_EVENT:
      documents += 1
      return documents > 1 ? "a second document begins here; leave one, without `---` between" : nil
    case YAML_SCALAR_EVENT:
      let scalar = event.data.scalar
      add(1, anchor: text(scalar.anchor))
      return problem(tag: text(scalar.tag))
    case YAML_SEQUENCE_START_EVENT:
      let sequence = event.data.sequence_start
      return begin(anchor: text(sequence.anchor), tag: text(sequence.tag))
    case YAML_MAPPING_START_EVENT:
      let mapping = event.data.mapping_start
      return begin(anchor: text(mapping.anchor), tag: text(mapping.tag))
    case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
      let collection = open.removeLast()
      add(collection.nodes, anchor: collection.anchor)
      return nil
    case YAML_ALIAS_EVENT:
      // Yams reports a missing anchor.
      let nodes = text(event.data.alias.anchor).flatMap { anchors[$0] } ?? 1
      add(nodes, anchor: nil)
      nodesOfAliases += nodes
      return nodesOfAliases > Self.aliasLimit
        ? "the aliases up to here stand for more than \(Self.aliasLimit) values; write out what is meant" : nil
    default:
      return nil
    }
  }

  private mutating func begin(anchor: String?, tag: String?) -> String? {
    open.append(Collection(anchor: anchor))
    return open.count > Self.depthLimit
      ? Self.tooDeep : problem(tag: tag)
  }

  private mutating func add(_ nodes: Int, anchor: String?) {
    if !open.isEmpty { open[open.count - 1].nodes += nodes }
    if let anchor { anchors[anchor] = nodes }
  }

  private func problem(tag: String?) -> String? {
    guard let tag, !Self.tags.contains(tag) else { return nil }
    let name = tag.hasPrefix("tag:yaml.org,2002:") ? "!!\(tag.dropFirst("tag:yaml.org,2002:".count))" : tag
    return "the tag `\(name)` is not read; write the value without it"
  }

  private func text(_ bytes: UnsafePointer<yaml_char_t>?) -> String? {
    bytes.map { String(cString: $0) }
  }
}
