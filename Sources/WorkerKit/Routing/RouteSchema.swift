public import Foundation

/// The JSON Schema of the events that a route's handler accepts.
public struct RouteSchema: Sendable {
  /// The route's name: the event's `eventType`.
  public let eventType: String
  /// The schema, as a complete JSON Schema document.
  public let document: JSONSchema
  /// A part of the event's type that the schema cannot describe, with a hint for the type's author; nil if there is
  /// none. The document accepts any value there.
  public let gap: String?

  /// Returns the schema of each route of a `routes.yaml`, in the order of the file. The file's queues and plugins are
  /// not checked.
  ///
  /// - Throws: A ``ConfigurationError``.
  public static func all(
    inFileAt path: String, plugins: [any WorkerPlugin.Type],
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws -> [RouteSchema] {
    var parser = RoutesParser(file: path, plugins: plugins, environment: environment)
    return try parser.parseRoutes(RoutesFile.contents(ofFileAt: path)).schemas
  }

  /// An event with all required fields, which the route's handler can decode.
  package var example: JSONValue { document.example }

  init(_ eventType: String, _ event: EventSchema) {
    self.eventType = eventType
    gap = event.gap
    var document = event.schema
    document["$schema"] = Self.dialect
    document["title"] = .string(eventType)
    document["type"] = "object"
    document["properties"] = document["properties"].adding("eventType", ["const": .string(eventType)])
    document["required"] = document["required"].adding("eventType")
    self.document = document
  }

  /// Returns one document that accepts the events of all routes.
  public static func any(of schemas: [RouteSchema]) -> JSONSchema {
    let definitions = schemas.map { schema in
      var definition = schema.document
      definition["$schema"] = nil
      return (schema.eventType, definition.value)
    }
    // A JSON Pointer escapes `~` and `/`, and a URI must not contain spaces.
    let references = schemas.map { schema -> JSONValue in
      let name = schema.eventType.replacing("~", with: "~0").replacing("/", with: "~1")
      return [
        "$ref": .string("#/$defs/\(name.addingPercentEncoding(withAllowedCharacters: .urlFragmentAllowed) ?? name)")
      ]
    }
    return [
      "$schema": dialect, "title": "Any event", "oneOf": .array(references),
      "$defs": .object(Dictionary(uniqueKeysWithValues: definitions)),
    ]
  }

  private static let dialect: JSONValue = "https://json-schema.org/draft/2020-12/schema"
}

extension JSONValue? {
  fileprivate func adding(_ name: String, _ value: JSONValue) -> JSONValue {
    guard case .object(var members) = self else { return .object([name: value]) }
    members[name] = value
    return .object(members)
  }

  fileprivate func adding(_ name: String) -> JSONValue {
    guard case .array(let names) = self else { return [.string(name)] }
    return .array([.string(name)] + names.filter { $0 != .string(name) })
  }
}
