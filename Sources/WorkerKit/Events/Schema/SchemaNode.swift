/// A place in an event's JSON, and what its type asked for there.
final class SchemaNode {
  enum Shape {
    /// It asked for nothing that was understood: anything goes.
    case open
    case value(JSONSchema)
    case object
    case array(of: SchemaNode)
  }

  /// `rewards[].itemTypeId`
  let path: String
  let depth: Int
  var shape = Shape.open
  /// In the order in which they were asked for.
  private(set) var fields: [(name: String, node: SchemaNode)] = []
  /// What stands under any other name, as in a dictionary.
  private var otherValue: SchemaNode?
  /// Whether the event decodes without it, and with null in its place: found out by trying.
  var isOptional = true
  var isNullable = true

  init(path: String = "", depth: Int = 0) {
    self.path = path
    self.depth = depth
  }

  func field(_ name: String) -> SchemaNode {
    if let known = fields.first(where: { $0.name == name }) { return known.node }
    let node = child(path.isEmpty ? name : "\(path).\(name)")
    fields.append((name, node))
    return node
  }

  /// The values of a dictionary, whatever their keys are.
  func dictionaryValue() -> SchemaNode {
    if let otherValue { return otherValue }
    let node = child("\(path).*")
    otherValue = node
    return node
  }

  func element() -> SchemaNode {
    if case .array(let node) = shape { return node }
    let node = child("\(path)[]")
    shape = .array(of: node)
    return node
  }

  private func child(_ path: String) -> SchemaNode {
    SchemaNode(path: path, depth: depth + 1)
  }

  /// Below it, and not itself.
  var descendants: [SchemaNode] {
    var children = fields.map(\.node)
    if let otherValue { children.append(otherValue) }
    if case .array(let node) = shape { children.append(node) }
    return children.flatMap { [$0] + $0.descendants }
  }

  var schema: JSONSchema {
    var schema: JSONSchema
    switch shape {
    case .open: return [:]
    case .value(let value): schema = value
    case .array(let node): schema = ["type": "array", "items": node.schema.value]
    case .object: schema = objectSchema
    }
    guard isNullable, depth > 0 else { return schema }
    if case .string(let type) = schema["type"], schema["enum"] == nil {
      schema["type"] = [.string(type), "null"]
      return schema
    }
    return ["anyOf": [schema.value, ["type": "null"]]]
  }

  private var objectSchema: JSONSchema {
    var schema: JSONSchema = ["type": "object"]
    if !fields.isEmpty {
      let properties = fields.map { ($0.name, $0.node.schema.value) }
      schema["properties"] = .object(Dictionary(uniqueKeysWithValues: properties))
    }
    let required = fields.filter { !$0.node.isOptional }.map { JSONValue.string($0.name) }
    if !required.isEmpty { schema["required"] = .array(required) }
    schema["additionalProperties"] = otherValue?.schema.value
    return schema
  }
}
