import Foundation

/// The JSON that an event type decodes from, found out from the type itself: its `init(from:)` is run on made-up values
/// that note what is asked for, then once without each field, and once with null in its place.
struct EventSchema {
  /// A type that holds itself in many ways has more fields than anyone would wait for.
  private static let trialLimit = 2000

  let schema: JSONSchema
  /// What could not be found out, for the plugin's author; the schema leaves it open. nil where nothing is.
  let gap: String?

  init(of type: (some Decodable).Type) {
    if let type = type as? any JSONSchemaProviding.Type {
      schema = type.jsonSchema
      gap = nil
      return
    }
    let root = SchemaNode()
    do {
      try Self.decode(type, root)
    } catch {
      schema = root.schema
      gap = Self.explain(error)
      return
    }
    // Trying can show fields that are asked for only where another is missing: those are tried in their turn.
    var tried: Set<ObjectIdentifier> = []
    while tried.count < Self.trialLimit,
      let node = root.descendants.first(where: { !tried.contains(ObjectIdentifier($0)) })
    {
      tried.insert(ObjectIdentifier(node))
      node.isOptional = (try? Self.decode(type, root, .init(missing: node))) != nil
      node.isNullable = (try? Self.decode(type, root, .init(null: node))) != nil
    }
    schema = root.schema
    gap = nil
  }

  private static func decode<Event: Decodable>(_ type: Event.Type, _ root: SchemaNode, _ trial: SchemaTrial = .init())
    throws
  {
    _ = try SchemaDecoder(node: root, trial: trial).value(type)
  }

  private static func explain(_ error: any Error) -> String {
    guard let refusal = error as? SampleRefused else { return "its init(from:) refuses made-up values: \(error)" }
    return "\(refusal.path.isEmpty ? "the event" : refusal.path): \(refusal.type) refuses made-up values; "
      + "let it conform to JSONSchemaProviding, or to CaseIterable where it is an enum of texts or numbers"
  }
}

/// What is left out, or null, in one run.
struct SchemaTrial {
  var missing: SchemaNode?
  var null: SchemaNode?
}

/// A type takes nothing that was made up for it.
struct SampleRefused: Error {
  let path: String
  let type: String
}
