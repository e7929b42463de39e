import Foundation
import Yams

/// Checks a routes document against what a binary's plugins offer. One method a section of the file.
struct RoutesParser {
  private var reader: YAMLReader
  private var result: RoutesFile
  private var catalog: PluginCatalog { result.catalog }

  init(file: String, plugins: [any Plugin.Type], environment: [String: String]) {
    reader = YAMLReader(file: file, environment: environment)
    result = RoutesFile(catalog: PluginCatalog(plugins))
  }

  mutating func parse(_ yaml: String) throws -> RoutesFile {
    let (file, problems) = examine(yaml)
    guard problems.isEmpty else { throw ConfigurationError(problems: problems) }
    return file
  }

  /// What is right in a document, and what is wrong.
  mutating func examine(_ yaml: String) -> (file: RoutesFile, problems: [ConfigurationProblem]) {
    if let root = reader.parse(yaml) {
      readDocument(root)
    } else if reader.problems.isEmpty {
      reader.report("the file is empty; it needs `version`, `queues` and `routes`", at: nil)
    }
    return (result, reader.problems)
  }

  /// Reads the routes alone: the rest may need an environment that is not here.
  mutating func parseRoutes(_ yaml: String) throws -> [RoutesFile.RouteConfiguration] {
    if let root = reader.parse(yaml) {
      let defaults = readDefaults(root.mapping?["defaults"])
      readRoutes(root.mapping?["routes"], root: root, defaults: defaults)
    } else if reader.problems.isEmpty {
      reader.report("the file is empty; it needs `routes`", at: nil)
    }
    guard reader.problems.isEmpty else { throw ConfigurationError(problems: reader.problems) }
    return result.routes
  }

  private mutating func readDocument(_ root: Node) {
    let sections = reader.section(
      root, "the file", keys: ["version", "queues", "plugins", "defaults", "routes", "admin", "tracing"])
    readVersion(sections["version"], root: root)
    readQueues(sections["queues"], root: root)
    readPlugins(sections["plugins"], root: root)
    let defaults = readDefaults(sections["defaults"])
    readRoutes(sections["routes"], root: root, defaults: defaults)
    readAdmin(sections["admin"])
    result.tracing = TracingConfiguration(
      values: reader.values(
        of: TracingConfiguration.Keys.all, in: sections["tracing"], "tracing", at: sections["tracing"]))
  }

  /// There only where the file has the section, though it be empty.
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

  private mutating func readQueues(_ node: Node?, root: Node) {
    let entries = filledMapping(node, "queues", "`queues` must name at least one queue", root: root)
    for (name, keyNode, value) in entries {
      let what = "queues.\(name)"
      guard isEnabled(value) else {
        // A queue that is switched off needs no URL.
        result.disabledQueues.append(name)
        _ = reader.section(value, what, keys: QueueConfiguration.Keys.all.map(\.name))
        continue
      }
      let before = reader.problems.count
      let values = reader.values(of: QueueConfiguration.Keys.all, in: value, what, at: keyNode)
      if reader.problems.count == before {
        result.queues.append(QueueConfiguration(name: name, values: values))
      }
    }
  }

  /// False where a queue says so plainly; whatever is wrong with the key is reported with the other keys.
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
      let before = reader.problems.count
      let values = reader.values(
        of: type.configurationKeys, in: section?.node, "plugins.\(name)", at: section?.keyNode ?? node ?? root)
      if reader.problems.count == before { result.pluginConfigurations[name] = values }
    }
  }

  /// What a route has where it says nothing itself.
  private struct Defaults {
    var timeout = Duration.seconds(20)
    var backoff = Backoff.standard
    var errorPolicy = ErrorPolicy.standard
  }

  private mutating func readDefaults(_ node: Node?) -> Defaults {
    let entries = reader.section(node, "defaults", keys: ["timeout", "retry", "errors", "unrouted"])
    if let unrouted = choice(Unrouted.self, entries["unrouted"], "defaults.unrouted") {
      result.unrouted = unrouted
    }
    return readPolicies(entries, "defaults", over: Defaults())
  }

  private mutating func readRoutes(_ node: Node?, root: Node, defaults: Defaults) {
    let entries = filledMapping(node, "routes", "`routes` must map at least one eventType to a handler", root: root)
    for (eventType, keyNode, value) in entries {
      let what = "routes.\(eventType)"
      guard value.mapping != nil || reader.isNull(value) else {
        reader.report("\(what) must be a mapping, such as { handler: prizes.item }", at: value)
        continue
      }
      let keys = reader.section(value, what, keys: ["handler", "with", "timeout", "retry", "errors"])
      let policies = readPolicies(keys, what, over: defaults)
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
          timeout: policies.timeout, handlerConfiguration: with))
    }
  }

  /// The keys that `defaults` and a route share.
  private mutating func readPolicies(_ entries: [String: Node], _ what: String, over defaults: Defaults) -> Defaults {
    var policies = defaults
    let timeout = ConfigurationKey(
      "timeout", default: defaults.timeout, "How long the handler may take.", check: positive)
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
    let base = ConfigurationKey("base", default: defaults.base, "The ceiling of the first wait.", check: positive)
    let factor = ConfigurationKey(
      "factor", default: defaults.factor, "What each further try multiplies it by.",
      check: { $0 >= 1 ? nil : "must be at least 1" })
    let max = ConfigurationKey("max", default: defaults.max, "The longest wait; SQS allows 12 hours.", check: positive)
    let jitter = ConfigurationKey(
      "jitter", default: defaults.jitter, "`full` draws evenly from zero to the ceiling; `none` waits for the ceiling.")
    let values = reader.values(of: [base, factor, max, jitter], in: node, what, at: node)
    return Backoff(base: values[base], factor: values[factor], max: values[max], jitter: values[jitter])
  }

  /// A kind that a route names moves; the others stay where the defaults put them.
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
    let before = reader.problems.count
    let entries = reader.mapping(node, what)
    if entries.isEmpty, reader.problems.count == before {
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

  private var positive: @Sendable (Duration) -> String? {
    { $0 > .zero && $0 <= .seconds(43_200) ? nil : "must be more than zero and 12h at most" }
  }
}

extension Backoff.Jitter: ConfigurationValue {
  public static var configurationDescription: String { "full or none" }
  public init?(configurationText text: String) {
    self.init(rawValue: text)
  }
}
