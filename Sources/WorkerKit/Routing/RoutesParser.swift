import Foundation
import Yams

/// Checks a `routes.yaml` document against the plugins in the binary. Each section of the file has a method.
struct RoutesParser {
  private var reader: YAMLReader
  private var result: RoutesFile
  private var catalog: PluginCatalog { result.catalog }

  init(file: String, plugins: [any WorkerPlugin.Type], environment: [String: String]) {
    reader = YAMLReader(file: file, environment: environment)
    result = RoutesFile(catalog: PluginCatalog(plugins))
  }

  mutating func parse(_ yaml: String) throws -> RoutesFile {
    let (file, error) = examine(yaml)
    if let error { throw error }
    return file
  }

  /// Returns the valid parts of a document, and the problems.
  mutating func examine(_ yaml: String) -> (file: RoutesFile, error: ConfigurationError?) {
    if let root = reader.parse(yaml) {
      readDocument(root)
    } else if reader.problems.isEmpty {
      reader.report("the file is empty; it needs `version`, `queues` and `routes`", at: nil)
    }
    result.variables = reader.variables
    return (result, reader.error)
  }

  /// Reads only the routes, because the other sections may require environment variables that are not set here.
  mutating func parseRoutes(_ yaml: String) throws -> RoutesFile {
    if let root = reader.parse(yaml) {
      let defaults = readDefaults(root.mapping?["defaults"])
      readRoutes(root.mapping?["routes"], root: root, defaults: defaults)
    } else if reader.problems.isEmpty {
      reader.report("the file is empty; it needs `routes`", at: nil)
    }
    if let error = reader.error { throw error }
    return result
  }

  private mutating func readDocument(_ root: Node) {
    let sections = reader.section(
      root, "the file",
      keys: ["version", "queues", "plugins", "limits", "defaults", "routes", "admin", "tracing", "threads"])
    readVersion(sections["version"], root: root)
    checkEndpoints()
    readQueues(sections["queues"], root: root)
    readPlugins(sections["plugins"], root: root)
    readLimits(sections["limits"])
    let defaults = readDefaults(sections["defaults"])
    readRoutes(sections["routes"], root: root, defaults: defaults)
    readAdmin(sections["admin"])
    result.blockingThreads =
      reader.values(
        of: [BlockingThreads.limitKey], in: sections["threads"], "threads", at: sections["threads"])[
        BlockingThreads.limitKey]
    result.tracing = TracingConfiguration(
      values: reader.values(
        of: TracingConfiguration.Keys.all, in: sections["tracing"], "tracing", at: sections["tracing"]))
  }

  /// Reads the section `admin`. An empty section counts as present.
  private mutating func readAdmin(_ node: Node?) {
    guard let node else { return }
    result.admin = AdminConfiguration(
      values: reader.values(of: AdminConfiguration.Keys.all, in: node, "admin", at: node))
  }

  private mutating func readVersion(_ node: Node?, root: Node) {
    guard let node else {
      reader.report("`version: 1` is missing", at: root)
      return
    }
    if reader.text(node, "version") != "1" {
      reader.report("version must be 1, the only version that this worker reads", at: node)
    }
  }

  /// Checks the variables that override the endpoint in the queues' URLs.
  private mutating func checkEndpoints() {
    for variable in ["AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL"] {
      let value = reader.environment[variable]?.trimmingCharacters(in: .whitespacesAndNewlines) ?? ""
      guard !value.isEmpty, let problem = Address.endpoint(value) else { continue }
      reader.report("the environment variable \(variable) \(problem), but it is `\(YAMLReader.shown(value))`", at: nil)
    }
  }

  private mutating func readQueues(_ node: Node?, root: Node) {
    let entries = filledMapping(node, "queues", "`queues` must name at least one queue", root: root)
    for (name, keyNode, value) in entries {
      let what = "queues.\(name)"
      guard isEnabled(value) else {
        // A disabled queue needs no URL.
        result.disabledQueues.append(name)
        _ = reader.section(value, what, keys: QueueConfiguration.Keys.all.map(\.name))
        continue
      }
      let before = reader.problemCount
      let values = reader.values(of: QueueConfiguration.Keys.all, in: value, what, at: keyNode)
      if reader.problemCount == before {
        result.queues.append(QueueConfiguration(name: name, values: values))
      }
    }
  }

  /// Whether the queue is enabled. Only a valid `enabled: false` disables it; an invalid value is reported with the
  /// other keys.
  private func isEnabled(_ queue: Node) -> Bool {
    var reader = reader
    guard let node = queue.mapping?["enabled"], let text = reader.text(node, "enabled") else { return true }
    return Bool(configurationText: text) ?? true
  }

  private mutating func readPlugins(_ node: Node?, root: Node) {
    var sections: [String: (node: Node, keyNode: Node)] = [:]
    for (name, keyNode, value) in reader.mapping(node, "plugins") {
      if catalog.plugins[name] == nil {
        reader.reportUnknown("plugin", name, in: "plugins", among: Array(catalog.plugins.keys), at: keyNode)
      }
      sections[name] = (value, keyNode)
    }
    for (name, type) in catalog.plugins.sorted(by: { $0.key < $1.key }) {
      let section = sections[name]
      let before = reader.problemCount
      let values = reader.values(
        of: type.configurationKeys, in: section?.node, "plugins.\(name)", at: section?.keyNode ?? node ?? root)
      if reader.problemCount == before { result.pluginConfigurations[name] = values }
    }
  }

  private mutating func readDefaults(_ node: Node?) -> RoutePolicies {
    let entries = reader.section(node, "defaults", keys: ["timeout", "retry", "errors", "unrouted"])
    if let unrouted = choice(Unrouted.self, entries["unrouted"], "defaults.unrouted") {
      result.unrouted = unrouted
    }
    return readPolicies(entries, "defaults", over: RoutePolicies())
  }

  private mutating func readLimits(_ node: Node?) {
    for (name, keyNode, value) in reader.mapping(node, "limits") {
      let before = reader.problemCount
      let values = reader.values(of: LimitConfiguration.Keys.all, in: value, "limits.\(name)", at: keyNode)
      if reader.problemCount == before { result.limits[name] = LimitConfiguration(name: name, values: values) }
    }
  }

  /// The name of a route's limit, which may be wrong itself.
  private mutating func limit(_ node: Node?, _ what: String, root: Node) -> String? {
    guard let node, let name = reader.text(node, "\(what).limit") else { return nil }
    let names = root.mapping?["limits"]?.mapping?.compactMap { $0.key.scalar?.string } ?? []
    if names.contains(name) { return name }
    reader.reportUnknown("limit", name, in: what, among: names, at: node)
    return nil
  }

  private mutating func readRoutes(_ node: Node?, root: Node, defaults: RoutePolicies) {
    let entries = filledMapping(node, "routes", "`routes` must map at least one eventType to a handler", root: root)
    for (eventType, keyNode, value) in entries {
      let what = "routes.\(eventType)"
      guard value.mapping != nil || reader.isNull(value) else {
        reader.report("\(what) must be a mapping, such as { handler: prizes.item }", at: value)
        continue
      }
      let keys = reader.section(value, what, keys: ["handler", "with", "limit", "timeout", "retry", "errors"])
      let policies = readPolicies(keys, what, over: defaults)
      let limit = limit(keys["limit"], what, root: root)
      guard let handlerNode = keys["handler"] else {
        reader.report("\(what) needs `handler`: the name of a registered handler", at: keyNode)
        continue
      }
      guard let name = reader.text(handlerNode, "\(what).handler") else { continue }
      guard let registration = catalog.handlers[name] else {
        reader.reportUnknown("handler", name, in: what, among: Array(catalog.handlers.keys), at: handlerNode)
        continue
      }
      let with = reader.values(
        of: registration.configurationKeys, in: keys["with"], "\(what).with", at: keyNode)
      result.routes.append(
        RoutesFile.RouteConfiguration(
          eventType: eventType, handlerName: name, errorPolicy: policies.errorPolicy, backoff: policies.backoff,
          timeout: policies.timeout, limit: limit, handlerConfiguration: with,
          places: OptionPlaces(what: "\(what).with", file: reader.file, node: keys["with"], parent: keyNode)))
    }
  }

  /// Reads the keys that `defaults` and a route share.
  private mutating func readPolicies(_ entries: [String: Node], _ what: String, over defaults: RoutePolicies)
    -> RoutePolicies
  {
    var policies = defaults
    let timeout = RoutePolicies.timeoutKey(defaults.timeout)
    var values = ConfigurationValues()
    if let node = entries["timeout"] {
      reader.read(timeout, from: node, what, into: &values)
    }
    policies.timeout = values[timeout]
    policies.backoff = readBackoff(entries["retry"], "\(what).retry", over: defaults.backoff)
    policies.errorPolicy = readErrors(entries["errors"], "\(what).errors", over: defaults.errorPolicy)
    return policies
  }

  private mutating func readBackoff(_ node: Node?, _ what: String, over defaults: Backoff) -> Backoff {
    let keys = RoutePolicies.RetryKeys(defaults)
    let values = reader.values(of: keys.all, in: node, what, at: node)
    return Backoff(
      base: values[keys.base], factor: values[keys.factor], max: values[keys.max], jitter: values[keys.jitter])
  }

  /// Reads an error policy. It changes the kinds that the route names, and keeps the defaults for all others.
  private mutating func readErrors(_ node: Node?, _ what: String, over defaults: ErrorPolicy) -> ErrorPolicy {
    var policy = defaults
    let entries = reader.section(node, what, keys: ["permanent", "transient", "otherwise"])
    if let otherwise = choice(Disposition.self, entries["otherwise"], "\(what).otherwise") {
      policy.otherwise = otherwise
    }
    var named: Set<ErrorKind> = []
    for disposition in Disposition.allCases {
      guard let list = entries[disposition.rawValue] else { continue }
      guard let elements = list.sequence else {
        reader.report("\(what).\(disposition) must be a list of error kinds, such as [network, timeout]", at: list)
        continue
      }
      for element in elements {
        guard let name = reader.text(element, what) else { continue }
        guard let kind = catalog.errorKinds[name] else {
          reader.reportUnknown("error kind", name, in: what, among: Array(catalog.errorKinds.keys), at: element)
          continue
        }
        if !named.insert(kind).inserted {
          reader.report(
            "\(what) names the error kind `\(name)` twice; it is permanent or transient, not both", at: element)
        }
        policy.dispositions[kind] = disposition
      }
    }
    return policy
  }

  private mutating func filledMapping(
    _ node: Node?, _ what: String, _ demand: String, root: Node
  ) -> [(key: String, keyNode: Node, value: Node)] {
    let before = reader.problemCount
    let entries = reader.mapping(node, what)
    if entries.isEmpty, reader.problemCount == before {
      reader.report(demand, at: node ?? root)
    }
    return entries
  }

  private mutating func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ type: Choice.Type, _ node: Node?, _ what: String
  ) -> Choice? {
    guard let node, let text = reader.text(node, what) else { return nil }
    if let choice = Choice(rawValue: text) { return choice }
    reader.reportUnknown("value", text, in: what, among: Choice.allCases.map(\.rawValue), at: node)
    return nil
  }
}
