import Foundation
import HTTPTypes
import Testing
import WorkerKit
import WorkerTesting

@testable import WorkerAdmin

@Suite("Dead letters whose bodies the list did not keep")
struct UnkeptBodiesTests {
  /// A console that keeps no bodies, whose proxy names an operator and a reader.
  private static func fixture(receive: Duration = .seconds(60)) throws -> ConsoleFixture {
    var limits = ConsoleLimits()
    limits.bodies = 0
    limits.receive = receive
    return try ConsoleFixture(
      limits: limits,
      configure: { configuration in
        var proxy = TrustedProxy()
        (proxy.header, proxy.addresses, proxy.operators) = ("X-Forwarded-User", ["127.0.0.1"], ["ana"])
        configuration.proxy = proxy
      })
  }

  private static func headers(_ name: String) throws -> HTTPFields {
    [try #require(HTTPField.Name("X-Forwarded-User")): name]
  }

  private static func counts(_ fixture: ConsoleFixture) -> [Int] { fixture.deadLetters.messages.map(\.receiveCount) }

  @Test("a reader and a link from another site cause no receive, and an operator does")
  func receives() async throws {
    let fixture = try Self.fixture()
    let (ana, rea) = (try Self.headers("ana"), try Self.headers("rea"))
    try await fixture.running {
      fixture.deadLetters.put(body: Array(#"{"eventType":"X","note":"find me"}"#.utf8))
      let id = try #require(try await fixture.refresh().first)
      for path in ["/dead-letters/prizes/\(id)", "/api/dead-letters/prizes/\(id)"] {
        #expect(try await fixture.request(.get, path, headers: rea).status == 403)
        let link: HTTPFields = [
          .fetchSite: "cross-site", .fetchMode: "navigate", .fetchDestination: "document",
        ]
        #expect(try await fixture.request(.get, path, headers: ana.with(link)).status == 403)
      }
      #expect(Self.counts(fixture) == [1])
      let page = try await fixture.request(.get, "/dead-letters/prizes/\(id)", headers: ana)
      #expect(page.status == 200 && page.body.contains("find me"))
      #expect(Self.counts(fixture) == [2])
      let audit = try await fixture.request(.get, "/audit", headers: ana)
      #expect(audit.body.contains("receive") && audit.body.contains(id), "it cost a receive, so it is an action")
    }
  }

  @Test("the list says that a search does not cover them")
  func search() async throws {
    let fixture = try Self.fixture()
    let rea = try Self.headers("rea")
    try await fixture.running {
      fixture.deadLetters.put(body: Array(#"{"eventType":"X","note":"find me"}"#.utf8))
      _ = try await fixture.refresh()
      let page = try await fixture.request(.get, "/dead-letters?q=find+me", headers: rea)
      #expect(page.body.contains("Nothing matches.") && page.body.contains("The bodies of 1 are not kept"))
    }
  }

  @Test("who would wait for other work is told so after a while")
  func waiting() async throws {
    let fixture = try Self.fixture(receive: .milliseconds(50))
    let ana = try Self.headers("ana")
    try await fixture.running {
      fixture.deadLetters.put(body: Array(#"{"eventType":"X"}"#.utf8))
      let id = try #require(try await fixture.refresh().first)
      let inventory = try fixture.console.deadLetters.inventory(nil)
      let answer = try await inventory.inTurn {
        try await fixture.request(.get, "/dead-letters/prizes/\(id)", headers: ana)
      }
      #expect(answer.status == 503 && answer.headers[.retryAfter] != nil)
    }
  }

  @Test("an export receives all of them in one pass, each once")
  func export() async throws {
    let fixture = try Self.fixture()
    let ana = try Self.headers("ana")
    try await fixture.running {
      for number in 0..<250 { fixture.deadLetters.put(body: Array(#"{"eventType":"X","number":\#(number)}"#.utf8)) }
      let ids = try await fixture.refresh()
      let answer = try await fixture.request(.post, "/api/dead-letters/export", json: #"{"all":true}"#, headers: ana)
      #expect(answer.body.split(separator: "\n").count == ids.count)
      #expect(Self.counts(fixture) == Array(repeating: 2, count: 250))
    }
  }

  @Test("an export that is not whole is cut off, and the audit log says why")
  func cutOff() async throws {
    let fixture = try Self.fixture()
    let ana = try Self.headers("ana")
    try await fixture.running {
      for _ in 0..<3 { fixture.deadLetters.put(body: Array(#"{"eventType":"X"}"#.utf8)) }
      _ = try await fixture.refresh()
      let taken = try await fixture.deadLetters.receive(
        maxMessages: 1, waitTime: .zero, visibilityTimeout: .seconds(600))
      _ = try await fixture.deadLetters.delete(taken.map(\.receiptHandle))
      await #expect(throws: (any Error).self) {
        try await fixture.request(.post, "/api/dead-letters/export", json: #"{"all":true}"#, headers: ana)
      }
      let entry = try #require(fixture.console.audit.latest().first)
      #expect(entry.action == "export cut off" && entry.details["problem"]?.hasPrefix("1 are gone") == true)
    }
  }
}
