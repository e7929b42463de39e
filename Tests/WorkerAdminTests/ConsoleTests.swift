import Foundation
import HTTPTypes
import Hummingbird
import Testing
import WorkerLocks
import WorkerTesting

@testable import WorkerAdmin
@testable import WorkerKit

@Suite("Pages of the console")
struct ConsoleTests {
  private static func status(_ queue: String) -> ConsumerStatus {
    ConsumerStatus(
      queue: queue, activity: .receiving, duration: .seconds(1), inFlight: 0, busy: 0, ahead: 0, parked: 0,
      settling: 0, slots: 16, closedPlugins: [:], hasReceived: true)
  }

  @Test("the overview is made while consumers appear")
  func consumersAppear() async throws {
    let calls = Mutex(0)
    let fixture = try ConsoleFixture(consumers: {
      calls.withLock { calls in
        calls += 1
        return calls.isMultiple(of: 2) ? [Self.status("prizes"), Self.status("others")] : []
      }
    })
    for _ in 0..<4 {
      #expect(try await fixture.request(.get, "/").status == 200)
      #expect(try await fixture.request(.get, "/api/overview").status == 200)
    }
  }

  @Test("while the worker starts, what needs a queue is not there yet, and says so", arguments: ["", "/api"])
  func starting(prefix: String) async throws {
    let fixture = try ConsoleFixture(isStarting: true)
    let response = try await fixture.request(.get, "\(prefix)/dead-letters")
    #expect(response.status == 503)
    #expect(try await fixture.request(.get, "\(prefix)/dead-letters?queue=nobodys").status == 503)
  }

  @Test("a response whose body is not written frees its live page")
  func liveSlots() async throws {
    let fixture = try ConsoleFixture()
    for _ in 0..<40 {
      #expect(await fixture.respond(.head, "/live/overview").status == .ok)
    }
    // As if the clients had gone before the head was written.
    for _ in 0..<40 { _ = await fixture.respond(.get, "/live/flow") }
    let open = await withTaskGroup(of: Void.self) { _ in await fixture.respond(.get, "/live/overview") }
    #expect(open.status == .ok)
  }

  @Test("the form of a login is limited before it is read")
  func loginLimit() async throws {
    let fixture = try ConsoleFixture(configure: { configuration in
      configuration.users = ["ana": ConsoleUser(role: .operator, passwordHash: PasswordHash.ofNobody.text)]
    })
    let form = [("user", String(repeating: "a", count: 20_000)), ("password", "x")]
    #expect(try await fixture.request(.post, "/login", form: form, headers: [.csrfToken: "x"]).status == 413)
    let short = [("user", "bea"), ("password", "x"), ("next", "/flow")]
    #expect(try await fixture.request(.post, "/login", form: short, headers: [.csrfToken: "x"]).status == 401)
  }

  @Test("a page of a plugin that blocks its thread is cut off after its limit")
  func blockingPage() async throws {
    let gate = DispatchSemaphore(value: 0)
    var limits = ConsoleLimits()
    limits.pluginPage = .milliseconds(50)
    let fixture = try ConsoleFixture(plugins: [BlockingPlugin { gate.wait() }], limits: limits)
    // Without the limit, this would wait for the plugin.
    let answer = try await fixture.request(.get, "/plugins/blocking/page")
    gate.signal()
    #expect(answer.status == 504)
  }

  @Test("a route's name is escaped in the address of its events")
  func routeLinks() {
    #expect(Console.encoded("A&B=C#D é") == "A%26B%3DC%23D%20%C3%A9")
  }
}

private struct BlockingPlugin: PluginConsole {
  static let name = "blocking"
  static let consolePages = [ConsolePage("page", title: "Page")]

  static func register(in handlers: inout HandlerRegistry<BlockingPlugin>) {}

  let block: @Sendable () -> Void

  init(_ block: @escaping @Sendable () -> Void) {
    self.block = block
  }

  init(configuration: ConfigurationValues) { block = {} }

  func consolePage(_ request: ConsolePageRequest) async throws -> ConsoleDocument {
    block()
    return ConsoleDocument()
  }
}
