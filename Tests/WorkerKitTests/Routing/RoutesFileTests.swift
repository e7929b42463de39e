import TestSupport
import Testing

@testable import WorkerKit

@Suite("routes.yaml")
struct RoutesFileTests {
  static let valid = """
    version: 1
    queues:
      main: { url: "http://localhost:4566/000000000000/test-queue" }
    plugins:
      greetings: { language: latin }
    routes:
      GREETED: { handler: greetings.hello }
    """

  func parse(_ yaml: String, environment: [String: String] = [:]) throws -> RoutesFile {
    try RoutesFile(yaml: yaml, plugins: [GreetingPlugin.self], environment: environment)
  }

  func problems(_ yaml: String, environment: [String: String] = [:]) -> [String] {
    do {
      _ = try parse(yaml, environment: environment)
      return []
    } catch {
      return (error as? ConfigurationError)?.problems.map(\.description) ?? ["\(error)"]
    }
  }

  @Test("omitted keys have the specification's defaults")
  func defaults() throws {
    let file = try parse(Self.valid)
    let queue = try #require(file.queues.first)
    #expect(queue.maxMessages == 5)
    #expect(queue.waitTime == .seconds(5))
    #expect(queue.visibilityTimeout == .seconds(30))
    #expect(queue.maxReceiveCount == 3)
    #expect(queue.region == nil)
    let route = try #require(file.routes.first)
    #expect(route.timeout == .seconds(20))
    #expect(route.backoff == Backoff(base: .seconds(2), factor: 2, max: .seconds(900), jitter: .full))
    #expect(route.errorPolicy.disposition(of: .validation) == .permanent)
    #expect(route.errorPolicy.disposition(of: .network) == .transient)
    #expect(route.errorPolicy.disposition(of: .unexpected) == .transient)
    #expect(file.unrouted == .deadLetter)
  }

  @Test("a route changes the kinds that it names and keeps the others")
  func routeOverridesKinds() throws {
    let file = try parse(
      """
      version: 1
      queues: { main: { url: "http://localhost/0/q" } }
      plugins: { greetings: { language: latin } }
      defaults:
        timeout: 1m
        retry: { base: 1s, max: 10s, jitter: none }
        errors: { permanent: [throttled], otherwise: permanent }
        unrouted: leave
      routes:
        A: { handler: greetings.hello, errors: { transient: [conflict, hoarse] }, retry: { factor: 3 } }
        B: { handler: greetings.hello, timeout: 250ms }
      """)
    #expect(file.unrouted == .leave)
    let first = file.routes[0]
    #expect(first.errorPolicy.disposition(of: .conflict) == .transient)
    #expect(first.errorPolicy.disposition(of: ErrorKind(rawValue: "hoarse")) == .transient)
    #expect(first.errorPolicy.disposition(of: .throttled) == .permanent)
    #expect(first.errorPolicy.disposition(of: .validation) == .permanent)
    #expect(first.errorPolicy.disposition(of: .unexpected) == .permanent)
    #expect(first.backoff == Backoff(base: .seconds(1), factor: 3, max: .seconds(10), jitter: .none))
    #expect(first.timeout == .seconds(60))
    #expect(file.routes[1].timeout == .milliseconds(250))
    #expect(file.routes[1].errorPolicy.disposition(of: .conflict) == .permanent)
  }

  @Test("every problem is reported at once, with its position and the nearest name")
  func allProblemsAtOnce() {
    let found = problems(
      """
      version: 2
      queues:
        main:
          url: not a url
          maxMesages: 5
          waitTime: 21s
          concurrency: many
      plugins:
        greetngs: {}
      defaults:
        errors:
          permanent: [validaton, conflict]
          transient: [conflict]
      routes:
        A: { handler: greetings.helo }
        B: { timeout: soon, handler: greetings.hello }
        C: {}
        D: { handler: greetings.letter }
        E: greetings.hello
      """)
    let expected = [
      "routes.yaml:1:10: version must be 1",
      "routes.yaml:4:10: queues.main.url must be a queue URL",
      "routes.yaml:5:5: unknown key `maxMesages` in queues.main; did you mean `maxMessages`?",
      "routes.yaml:6:15: queues.main.waitTime must be whole seconds from 0s to 20s, but it is `21s`",
      "routes.yaml:7:18: queues.main.concurrency must be a whole number, but it is `many`",
      "routes.yaml:9:3: unknown plugin `greetngs` in plugins; did you mean `greetings`?",
      "plugins.greetings needs `language`",
      "routes.yaml:12:17: unknown error kind `validaton` in defaults.errors; did you mean `validation`?",
      "routes.yaml:13:17: defaults.errors names the error kind `conflict` twice",
      "routes.yaml:15:17: unknown handler `greetings.helo` in routes.A; did you mean `greetings.hello`?",
      "routes.yaml:16:17: routes.B.timeout must be a duration",
      "routes.yaml:17:3: routes.C needs `handler`",
      "routes.yaml:18:3: routes.D.with needs `stamps`",
      "routes.yaml:19:6: routes.E must be a mapping, such as { handler: prizes.item }",
    ]
    for problem in expected {
      #expect(found.contains { $0.contains(problem) }, "missing: \(problem)\nfound:\n\(found.joined(separator: "\n"))")
    }
    #expect(found.count == expected.count, "\(found.joined(separator: "\n"))")
  }

  @Test(
    "a document that is not a routing table is rejected with a position",
    arguments: [
      ("", "the file is empty"),
      ("version: 1", "`queues` must name at least one queue"),
      ("[1, 2]", "the file must be a mapping"),
      ("version: 1\nqueues: [", "not valid YAML"),
      ("version: 1\nversion: 1", "stands twice in the mapping that begins here"),
      ("version: 1\nqueues: { q: { url: 'http://h/0/q' } }\nroutes:\n", "`routes` must map at least one eventType"),
    ])
  func unusableDocuments(yaml: String, expected: String) {
    let found = problems(yaml)
    #expect(found.contains { $0.contains(expected) }, "\(found)")
  }

  @Test("variables come from the environment or from their defaults")
  func interpolation() throws {
    let yaml = Self.valid.replacing(
      "http://localhost:4566/000000000000/test-queue", with: "${QUEUE_URL:-http://localhost/0/default}")
    #expect(try parse(yaml).queues[0].url == "http://localhost/0/default")
    #expect(try parse(yaml, environment: ["QUEUE_URL": "http://h/1/q"]).queues[0].url == "http://h/1/q")
    #expect(try parse(yaml, environment: ["QUEUE_URL": ""]).queues[0].url == "http://localhost/0/default")
    let missing = problems(Self.valid.replacing("http://localhost:4566/000000000000/test-queue", with: "${QUEUE_URL}"))
    #expect(missing.count == 1)
    #expect(missing[0].contains("the environment variable QUEUE_URL is not set; export it"))
  }

  @Test("a disabled queue needs no URL")
  func disabledQueue() throws {
    let yaml = Self.valid.replacing(
      #"{ url: "http://localhost:4566/000000000000/test-queue" }"#,
      with: "{ url: \"${QUEUE_URL}\", enabled: \"${ENABLED:-true}\" }")
    let file = try parse(yaml, environment: ["ENABLED": "false"])
    #expect(file.queues.isEmpty)
    #expect(file.disabledQueues == ["main"])
  }

  @Test("a plugin reads its own section of a file whose other parts are invalid")
  func pluginConfiguration() throws {
    let path = try TemporaryFile(
      contents: "version: 9\nqueues: nonsense\nplugins:\n  greetings: { language: \"${LANGUAGE}\" }\n  other: 1\n")
    let values = try RoutesFile.pluginConfiguration(
      for: GreetingPlugin.self, inFileAt: path.path, environment: ["LANGUAGE": "greek"])
    #expect(values[GreetingPlugin.language] == "greek")
    #expect(values[GreetingPlugin.volume] == 5)
  }

  @Test("a missing file is an error with a remedy")
  func missingFile() {
    #expect {
      try RoutesFile(path: "/nonexistent/routes.yaml", plugins: [])
    } throws: { error in
      "\(error)".contains("/nonexistent/routes.yaml:1:1: there is no such file; name another with --routes FILE")
    }
  }

  @Test("the table binds each event type to its handler")
  func routingTable() async throws {
    let table = try await parse(Self.valid).makeRoutingTable()
    #expect(table.eventTypes == ["GREETED"])
    #expect(table.route(for: "GREETED")?.handlerName == "greetings.hello")
    #expect(table.route(for: "OTHER") == nil)
  }

  @Test(
    "durations are parsed with their units",
    arguments: [
      ("500ms", Duration.milliseconds(500)), ("30s", .seconds(30)), ("1.5s", .milliseconds(1500)),
      ("15m", .seconds(900)), ("12h", .seconds(43_200)), ("1d", .seconds(86_400)),
    ])
  func durations(text: String, expected: Duration) {
    #expect(Duration(configurationText: text) == expected)
  }

  @Test("an invalid duration is rejected", arguments: ["", "s", "5", "-1s", "1 week", "nans", "1e400s", "0x5s "])
  func noDurations(text: String) {
    #expect(Duration(configurationText: text) == nil)
  }

  @Test("a very long name has no nearest name")
  func endlessName() {
    #expect(nearestName(to: String(repeating: "ITEM_AWARDED", count: 100_000), among: ["ITEM_AWARDED"]) == nil)
    #expect(nearestName(to: "ITEM_AWARDDE", among: ["ITEM_AWARDED"]) == "ITEM_AWARDED")
  }
}
