extension JSONSchema {
  /// A value that it allows, as far as it is one of those that event types have: objects with the fields that they need.
  var example: JSONValue {
    if let value = self["const"] { return value }
    for keyword in ["enum", "examples"] {
      if case .array(let values) = self[keyword], let first = values.first { return first }
    }
    for keyword in ["anyOf", "oneOf"] {
      if case .array(let schemas) = self[keyword], case .object(let first) = schemas.first {
        return JSONSchema(first).example
      }
    }
    switch typeName {
    case "object": return .object(requiredFields)
    case "array":
      guard case .object(let items) = self["items"] else { return [] }
      return [JSONSchema(items).example]
    case "string": return .string(text)
    case "integer": return self["minimum"].flatMap { if case .integer(let low) = $0, low > 1 { $0 } else { nil } } ?? 1
    case "number": return 1
    case "boolean": return true
    default: return .object([:])
    }
  }

  /// The first, where it allows null as well.
  private var typeName: String? {
    switch self["type"] {
    case .string(let name): name
    case .array(let names): names.lazy.compactMap { if case .string(let name) = $0 { name } else { nil } }.first
    default: nil
    }
  }

  private var requiredFields: [String: JSONValue] {
    guard case .object(let properties) = self["properties"], case .array(let required) = self["required"] else {
      return [:]
    }
    return required.reduce(into: [:]) { fields, name in
      guard case .string(let name) = name else { return }
      if case .object(let schema) = properties[name] {
        fields[name] = JSONSchema(schema).example
      } else {
        fields[name] = ""
      }
    }
  }

  private var text: String {
    if self["contentEncoding"] == "base64" { return "dGV4dA==" }
    return switch self["format"] {
    case "date-time": "2026-01-31T12:00:00Z"
    case "uuid": "123e4567-e89b-12d3-a456-426614174000"
    case "uri-reference": "https://example.com"
    default: "text"
    }
  }
}
