extension RoutesFile {
  /// Returns the JSON Schema of `routes.yaml`, with the options of the plugins' handlers. Editors use it to validate
  /// and complete the file. ``RoutesFile`` checks more than the schema.
  public static func schema(plugins: [any WorkerPlugin.Type]) -> JSONSchema {
    let catalog = PluginCatalog(plugins)
    let policies = policySchemas(kinds: catalog.errorKinds.keys.sorted())
    var defaults = policies
    defaults["unrouted"] =
      JSONSchema.orReference(["enum": .array(Unrouted.allCases.map { .string($0.rawValue) })]).value
    return [
      "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "routes.yaml", "type": "object",
      "properties": [
        "version": ["const": 1],
        "queues": ["type": "object", "additionalProperties": section(QueueConfiguration.Keys.all)],
        "plugins": closed(catalog.plugins.mapValues { section($0.configurationKeys) }),
        "limits": ["type": ["object", "null"], "additionalProperties": section(LimitConfiguration.Keys.all)],
        "defaults": closed(defaults),
        "routes": ["type": "object", "additionalProperties": route(catalog, policies)],
        "admin": section(AdminConfiguration.Keys.all), "tracing": section(TracingConfiguration.Keys.all),
        "threads": section([BlockingThreads.limitKey]),
      ], "required": ["version", "queues", "routes"], "additionalProperties": false,
    ]
  }

  private static func route(_ catalog: PluginCatalog, _ policies: [String: JSONValue]) -> JSONValue {
    let handlers = catalog.handlers.values.sorted { $0.name < $1.name }
    var properties = policies
    properties["handler"] = ["enum": .array(handlers.map { .string($0.name) })]
    properties["with"] = ["type": ["object", "null"]]
    properties["limit"] = ["type": "string", "description": "The name of the limit under `limits` that it keeps to."]
    let options = handlers.map { handler -> JSONValue in
      let isRequired = handler.configurationKeys.contains { $0.isRequired }
      let with: JSONValue = ["with": section(handler.configurationKeys)]
      return [
        "if": ["properties": ["handler": ["const": .string(handler.name)]]],
        "then": isRequired ? ["properties": with, "required": ["with"]] : ["properties": with],
      ]
    }
    return [
      "type": "object", "properties": .object(properties), "required": ["handler"], "additionalProperties": false,
      "allOf": .array(options),
    ]
  }

  private static func policySchemas(kinds: [String]) -> [String: JSONValue] {
    let kinds: JSONValue = ["type": "array", "items": ["enum": .array(kinds.map(JSONValue.string))]]
    let defaults = RoutePolicies()
    return [
      "timeout": RoutePolicies.timeoutKey(defaults.timeout).schema.value,
      "retry": section(RoutePolicies.RetryKeys(defaults.backoff).all),
      "errors": closed([
        "permanent": kinds, "transient": kinds,
        "otherwise": ["enum": .array(Disposition.allCases.map { .string($0.rawValue) })],
      ]),
    ]
  }

  /// The schema of a section, which may be empty or null.
  private static func section(_ keys: [any ConfigurationKeyProtocol]) -> JSONValue {
    var section = closed(Dictionary(keys.map { ($0.name, $0.schema.value) }) { first, _ in first })
    let required = keys.filter(\.isRequired).map { JSONValue.string($0.name) }
    if case .object(var members) = section, !required.isEmpty {
      members["required"] = .array(required)
      members["type"] = "object"
      section = .object(members)
    }
    return section
  }

  private static func closed(_ properties: [String: JSONValue]) -> JSONValue {
    ["type": ["object", "null"], "properties": .object(properties), "additionalProperties": false]
  }
}
