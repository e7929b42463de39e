import Foundation
import TestSupport
import Testing

@testable import WorkerKit

@Suite("A hostile routes.yaml")
struct HostileYAMLTests {
  func error(_ yaml: String, environment: [String: String] = [:]) -> ConfigurationError? {
    do {
      _ = try RoutesFile(yaml: yaml, plugins: [GreetingPlugin.self], environment: environment)
      return nil
    } catch {
      return error as? ConfigurationError
    }
  }

  /// Each line stands for ten of the previous line.
  static let bomb = (0..<30).map { level in
    level == 0
      ? "a0: &a0 [x, x, x, x, x, x, x, x, x, x]"
      : "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", "))]"
  }.joined(separator: "\n")

  @Test("aliases stand for a limited number of values, wherever they are used", .timeLimit(.minutes(20)))
  func aliasBomb() {
    for use in ["? *a29\n: x", "*a29 : x", "routes: *a29", "? [*a29, *a28]\n: x", "? { x: *a29 }\n: y"] {
      let found = error("\(Self.bomb)\n\(use)\n")
      #expect(
        found?.description
          == "routes.yaml:5:45: the aliases up to here stand for more than 100000 values; write out what is meant")
    }
  }

  @Test("unused and used anchors are no problem")
  func anchors() throws {
    let file = try RoutesFile(
      yaml: """
        version: 1
        queues: { main: { url: "http://h/0/q", region: &unused eu-west-1 } }
        plugins: { greetings: { language: latin } }
        routes:
          A: { handler: greetings.hello, retry: &slow { base: 1m } }
          B: { handler: greetings.hello, retry: *slow }
        """, plugins: [GreetingPlugin.self])
    #expect(file.routes.map(\.backoff.base) == [.seconds(60), .seconds(60)])
  }

  @Test("the problems are limited in number and in length", .timeLimit(.minutes(20)))
  func problems() throws {
    let long = String(repeating: "x", count: 20_000)
    let aliases = Array(repeating: "*long", count: 300).joined(separator: ", ")
    let routes = (0..<300).map { "  R\($0): { handler: [\($0)], errors: { permanent: [*long, *long] } }" }
    for yaml in [
      "defaults: { errors: { permanent: [&long \(long), \(aliases)] } }",
      "x: &long \(long)\nroutes:\n\(routes.joined(separator: "\n"))",
      (0..<5_000).map { "key\($0): 1" }.joined(separator: "\n"),
      "routes: { ? \(String(repeating: "k", count: 1_000_000))\n : 1 }",
      "version: \(String(repeating: "1", count: 1_000_000))",
    ] {
      let found = try #require(error(yaml))
      #expect(found.problems.count <= 100)
      #expect(found.description.utf8.count < 120_000)
    }
  }

  @Test("the number of omitted problems is reported")
  func omitted() throws {
    let found = try #require(error((0..<500).map { "key\($0): 1" }.joined(separator: "\n")))
    #expect(found.problems.count == 100)
    // Including the three missing sections, and a key that the plugin requires.
    #expect(found.description.hasSuffix("\n… and 404 more"))
  }

  @Test(
    "YAML features that this file does not support are reported",
    arguments: [
      ("version: 1\n---\nversion: 1", "2:1: a second document begins here"),
      ("version: !!binary MQ==", "1:10: the tag `!!binary` is not read"),
      ("version: !mine 1", "1:10: the tag `!mine` is not read"),
      (
        "routes: &r { A: {} }\n<<: *r",
        "2:1: `<<` does not merge keys here; write them out, or give a whole value an anchor"
      ),
      ("queues:\n\tmain: {}", "2:1: not valid YAML: found character that cannot start any token; indent with spaces"),
      (
        "queues:\n  q: { url: ${X} }",
        "2:14: not valid YAML: did not find expected ',' or '}'; inside { } and [ ] a value with ${…} needs quotes"
      ),
      ("queues:\n  q: { region: [${X}] }", "needs quotes: { url: \"${NAME}\" }"),
      ("version: 1\nx: \u{1}", "2:4: control characters are not allowed: U+0001"),
      ("routes: { \"${X}\": {} }", "`${…}` is not filled in in a key: write out `${X}`"),
      (String(repeating: "[", count: 10_000), "this is nested more than 64 deep; is a bracket missing?"),
      (String(repeating: "{a: ", count: 10_000), "1:257: this is nested more than 64 deep"),
      ("a: *b", "1:4: not valid YAML: found undefined alias"),
      ("a: &a [*a]", "not valid YAML: found undefined alias"),
    ])
  func notRead(yaml: String, expected: String) {
    let found = error(yaml)?.description ?? "nothing"
    #expect(found.contains(expected), "\(found.prefix(500))")
  }

  @Test(
    "redundant YAML is accepted",
    arguments: ["version: !!int 1", "version: !!str 1", "\u{FEFF}version: 1", "version: ! 1"])
  func read(yaml: String) {
    #expect(error(yaml)?.description.contains("version") == false)
  }

  @Test("a value with a password or a query is not shown, and terminal control characters are escaped")
  func secrets() {
    let url = "queues: { main: { url: \"${URL}\" } }"
    for address in ["https://user:hun/ter2@h/1/q", "https://h/1/q?hunter2", "https://@hunter2@h/1/q"] {
      let found = error(url, environment: ["URL": address])?.description ?? ""
      #expect(found.contains("queues.main.url must") && !found.contains("ter2"), "\(found)")
    }
    let found = error("version: \"\\e]0;x\\a\"\nroutes: { \"a\\nb\\e[2J\": 1 }")?.description ?? ""
    #expect(!found.unicodeScalars.contains("\u{1B}") && found.contains(#"routes.a\nb\u{1b}[2J"#))
  }

  @Test("a file in UTF-16 is named as such")
  func utf16() throws {
    let file = try TemporaryFile(contents: "")
    try "version: 1".data(using: .utf16)?.write(to: URL(fileURLWithPath: file.path))
    #expect {
      try RoutesFile(path: file.path, plugins: [])
    } throws: { "\($0)".contains("not UTF-8 text, but UTF-16; save it as UTF-8") }
  }
}
