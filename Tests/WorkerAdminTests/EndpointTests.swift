import Foundation
import HTTPTypes
import Testing
import WorkerKit

@testable import WorkerAdmin

@Suite("All that the console answers")
struct EndpointTests {
  /// The paths that change something: their patterns, with a value for what they leave open.
  static func posts(_ fixture: ConsoleFixture) -> [String] {
    fixture.console.endpoints.filter { $0.method == .post }.map(path) + ["/logout"]
  }

  private static func path(_ endpoint: Endpoint) -> String { endpoint.path.replacing(/\{[a-z]+\}/, with: "prizes") }

  @Test("each endpoint of the API is described, and nothing else is")
  func description() async throws {
    let fixture = try ConsoleFixture()
    let text = try await fixture.request(.get, "/api/openapi.json").body
    let document = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let paths = try #require(document["paths"] as? [String: [String: Any]])
    let described = Set(paths.flatMap { path, methods in methods.keys.map { "\($0.uppercased()) \(path)" } })
    let served = fixture.console.endpoints.filter { $0.path.hasPrefix("/api/") && $0.path != "/api/openapi.json" }
    #expect(Set(served.map { "\($0.method.rawValue) \($0.path)" }) == described)
  }

  @Test("whatever changes something is for operators")
  func roles() async throws {
    let field = try #require(HTTPField.Name("X-Forwarded-User"))
    let fixture = try Self.proxied(field)
    for path in Self.posts(fixture) where path != "/logout" {
      let answer = try await fixture.request(
        .post, path, form: [("queue", "prizes")], headers: [field: "rea", .csrfToken: "x"], from: "10.0.0.5")
      #expect(answer.status == 403 && answer.body.contains("is a reader"), "\(path): \(answer.status)")
    }
  }

  private static func proxied(_ field: HTTPField.Name) throws -> ConsoleFixture {
    try ConsoleFixture(configure: { configuration in
      var proxy = TrustedProxy()
      (proxy.header, proxy.addresses) = (field.rawName, ["10.0.0.5"])
      configuration.proxy = proxy
    })
  }

  @Test("nothing is changed without the page's token")
  func tokens() async throws {
    let fixture = try ConsoleFixture()
    for path in Self.posts(fixture) {
      for token in ["", "x"] {
        let answer = try await fixture.request(
          .post, path, form: [("queue", "prizes")], headers: [.csrfToken: token])
        #expect(answer.status == 403 && answer.body.contains("token"), "\(path): \(answer.status)")
      }
    }
    #expect(fixture.console.audit.latest().isEmpty)
  }

  @Test(
    "nothing is changed for a page elsewhere",
    arguments: [
      [.origin: "http://evil.example"], [.origin: "null"], [.fetchSite: "cross-site"], [.fetchSite: "same-site"],
      [.fetchSite: "cross-site", .fetchMode: "navigate", .fetchDestination: "document"],
    ] as [HTTPFields])
  func origins(headers: HTTPFields) async throws {
    let fixture = try ConsoleFixture()
    for path in Self.posts(fixture) + ["/login"] {
      let answer = try await fixture.request(.post, path, form: [("queue", "prizes")], headers: headers)
      #expect(answer.status == 403 && answer.body.contains("page elsewhere"), "\(path): \(answer.status)")
    }
    #expect(fixture.console.audit.latest().isEmpty)
  }

  @Test("each action is a line of the audit log")
  func audited() async throws {
    let fixture = try ConsoleFixture()
    try await fixture.running {
      _ = try await fixture.request(.post, "/diagnosis", form: [])
      _ = try await fixture.request(.post, "/dead-letters/refresh", form: [("queue", "prizes")])
      try await fixture.console.deadLetters.inventory(nil).untilRefreshed(within: .seconds(3_600))
      _ = try await fixture.request(
        .post, "/dead-letters/refresh", form: [("queue", "prizes"), ("despiteRedrivePolicy", "1")])
      _ = try await fixture.request(.post, "/logout", form: [])
      let actions = fixture.console.audit.latest().map(\.action)
      #expect(actions == ["logged out", "refresh despite the redrive policy", "refresh", "diagnosis"])
    }
  }
}
