public import Foundation

/// The JSON that a route's handler takes.
public struct RouteSchema: Sendable {
  public let eventType: String
  /// A JSON Schema document of its own.
  public let document: JSONSchema
  /// What could not be found out about the event's type, for its author; the document leaves it open.
  public let gap: String?

  /// The schema of each route of a `routes.yaml`, in its order. The file's queues and plugins are not looked at.
  ///
  /// - Throws: a ``ConfigurationError``.
  public static func all(
    inFileAt path: String, plugins: [any Plugin.Type],
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws -> [RouteSchema] {
    var parser = RoutesParser(file: path, plugins: plugins, environment: environment)
    let handlers = PluginCatalog(plugins).handlers
    return try parser.parseRoutes(RoutesFile.contents(ofFileAt: path)).map { route in
      guard let registration = handlers[route.handlerName] else {
        preconditionFailure("\(route.handlerName) passed the check, but is not registered")
      }
      return RouteSchema(route.eventType, EventSchema(of: registration.eventType))
    }
  }

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

  /// What any of the routes takes, in one document.
  public static func any(of schemas: [RouteSchema]) -> JSONSchema {
    let definitions = schemas.map { schema in
      var definition = schema.document
      definition["$schema"] = nil
      return (schema.eventType, definition.value)
    }
    // In a reference `~` and `/` are written otherwise, and a URI has no spaces.
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
