import Testing

@testable import WorkerKit

@Suite("A route's options for its handler: `with`")
struct RouteOptionsTests {
  func document(_ routes: String) -> String {
    """
    version: 1
    queues: { main: { url: "http://localhost/0/q" } }
    routes:
    \(routes)
    """
  }

  func parse(_ routes: String, environment: [String: String] = [:]) throws -> RoutesFile {
    try RoutesFile(yaml: document(routes), plugins: [CourierPlugin.self], environment: environment)
  }

  func problems(_ routes: String, environment: [String: String] = [:]) -> [String] {
    do {
      _ = try parse(routes, environment: environment)
      return []
    } catch {
      return (error as? ConfigurationError)?.problems.map(\.description) ?? ["\(error)"]
    }
  }

  @Test("single values, lists and mappings are read, with variables substituted at any depth")
  func shapes() throws {
    let file = try parse(
      """
        SENT:
          handler: courier.send
          with:
            to: ${PLACE}
            stops: [one, "${STOP:-two}", ""]
            headers: { Authorization: "Bearer ${TOKEN}", X-Count: 3 }
            outcomes: { 20: slow, 40: express }
            waits: { door: [5s, 1m] }
            keys: [12, "34"]
            speed: express
      """, environment: ["PLACE": "home", "TOKEN": "t${x}"])
    let options = try #require(file.routes.first).handlerConfiguration
    #expect(options[CourierPlugin.to] == "home")
    #expect(options[CourierPlugin.stops] == ["one", "two", ""])
    #expect(options[CourierPlugin.headers] == ["Authorization": "Bearer t${x}", "X-Count": "3"])
    #expect(
      options[CourierPlugin.outcomes].mapValues(\.rawValue).map { "\($0.key.text) \($0.value)" }.sorted() == [
        "20 slow", "40 express",
      ])
    #expect(options[CourierPlugin.waits] == ["door": [.seconds(5), .seconds(60)]])
    #expect(options[CourierPlugin.keys].map(\.text) == ["12", "34"])
    #expect(options[CourierPlugin.speed] == .express)
  }

  @Test("omitted options have their defaults, and an empty list or mapping is a value")
  func defaults() throws {
    let file = try parse("  SENT: { handler: courier.send, with: { to: home, stops: [], headers: {}, waits: ~ } }")
    let options = try #require(file.routes.first).handlerConfiguration
    #expect(options[CourierPlugin.stops] == [])
    #expect(options[CourierPlugin.headers] == [:])
    #expect(options[CourierPlugin.waits] == [:])
    #expect(options[CourierPlugin.speed] == .slow)
  }

  @Test("every problem is reported at its own position, in a list and in a mapping")
  func problems() {
    let found = problems(
      """
        SENT:
          handler: courier.send
          with:
            stops: one
            headers: [a]
            outcomes: { 20: sloow, x: slow }
            waits:
              door: [5s, soon, later]
              gate: 5s
            keys: [12, "${SECRET}"]
            speed: [slow]
            stopps: []
        WAITED: { handler: courier.wait, with: { to: home } }
      """, environment: ["SECRET": "hush"])
    #expect(
      found == [
        "routes.yaml:7:7: routes.SENT.with needs `to`: Where it goes.",
        "routes.yaml:7:14: routes.SENT.with.stops must be a list such as [one, two], each item text, but it is `one`",
        "routes.yaml:8:16: routes.SENT.with.headers must be a mapping such as { name: value }, each value text, but it is a list",
        "routes.yaml:9:23: routes.SENT.with.outcomes.20 must be slow or express, but it is `sloow`; did you mean `slow`?",
        "routes.yaml:9:30: routes.SENT.with.outcomes.x must be a code of two digits, but it is `x`",
        "routes.yaml:11:20: routes.SENT.with.waits.door[1] must be a duration such as 500ms, 30s, 15m or 12h, but it is `soon`",
        "routes.yaml:11:26: routes.SENT.with.waits.door[2] must be a duration such as 500ms, 30s, 15m or 12h, but it is `later`",
        "routes.yaml:12:15: routes.SENT.with.waits.gate must be a list such as [one, two], each item a duration such as 500ms, 30s, 15m or 12h, but it is `5s`",
        "routes.yaml:13:18: routes.SENT.with.keys[1] must be a code of two digits",
        "routes.yaml:14:14: routes.SENT.with.speed must be slow or express, but it is a list",
        "routes.yaml:15:7: unknown key `stopps` in routes.SENT.with; did you mean `stops`?",
        "routes.yaml:16:44: unknown key `to` in routes.WAITED.with; there are none here",
      ], "\(found.joined(separator: "\n"))")
  }

  @Test("an unset variable and a missing value are reported at their positions")
  func missingParts() {
    let found = problems(
      """
        SENT:
          handler: courier.send
          with: { to: home, stops: [one, "${STOP}"], headers: { A: , B: "${B}" } }
      """)
    #expect(found.count == 3, "\(found.joined(separator: "\n"))")
    #expect(found[0].hasPrefix("routes.yaml:6:36: routes.SENT.with.stops[1]: the environment variable STOP is not set"))
    #expect(found[1].contains("routes.SENT.with.headers.A has no value; write \"\" for an empty text"))
    #expect(found[2].contains("routes.SENT.with.headers.B: the environment variable B is not set"))
  }

  @Test("a single value is rejected if it is a list")
  func listForText() {
    #expect(
      problems("  SENT: { handler: courier.send, with: { to: [home] } }") == [
        "routes.yaml:4:46: routes.SENT.with.to must be text, but it is a list"
      ])
  }

  @Test("problems found when handlers are created are reported at the options, for all routes")
  func foundLater() async throws {
    let file = try parse(
      """
        A:
          handler: courier.send
          with: { to: nowhere }
        B: { handler: courier.send, with: { stops: [], to: nowhere } }
        C: { handler: courier.wait }
      """)
    let error = await #expect(throws: ConfigurationError.self) { try await file.makeRoutingTable() }
    #expect(
      error?.problems.map(\.description) == [
        "routes.yaml:6:17: routes.A.with.to must be a place", "routes.yaml:7:54: routes.B.with.to must be a place",
      ])
  }

  @Test("routes with the same dependency share a circuit breaker, and others have their own")
  func breakers() async throws {
    let table = try await parse(
      """
        A: { handler: courier.send, with: { to: home } }
        B: { handler: courier.send, with: { to: work } }
        C: { handler: courier.send, with: { to: home, speed: express } }
        D: { handler: courier.wait }
      """
    ).makeRoutingTable()
    #expect(table.breakers.map(\.pluginName) == ["courier", "courier: home", "courier: work"])
    #expect(table.route(for: "A")?.breaker === table.route(for: "C")?.breaker)
    #expect(table.route(for: "A")?.breaker !== table.route(for: "B")?.breaker)
    #expect(table.route(for: "D")?.breaker?.pluginName == "courier")
  }
}
