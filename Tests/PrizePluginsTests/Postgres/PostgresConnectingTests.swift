import Foundation
import TestSupport
import Testing
import WorkerKit

@testable import PrizePlugins

/// Connecting to servers that say nothing.
@Suite(.timeLimit(.minutes(20))) struct PostgresConnectingTests {
  /// A server that accepts connections, and never says a word.
  private final class SilentServer: Sendable {
    let port: Int
    private let descriptor: CInt

    init() throws {
      let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      descriptor = listener
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
      var length = socklen_t(MemoryLayout<sockaddr_in>.size)
      let isBound = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
          bind(listener, address, length) == 0 && listen(listener, 64) == 0
            && getsockname(listener, address, &length) == 0
        }
      }
      try #require(isBound)
      port = Int(UInt16(bigEndian: address.sin_port))
    }

    deinit { close(descriptor) }

    /// Waits for a client.
    func acceptOne() async throws {
      while try !acceptsOneNow() { try await Task.sleep(for: .milliseconds(5)) }
    }

    /// Clients are left open until the process ends.
    func acceptsOneNow() throws -> Bool {
      var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&waiting, 1, 0) == 1 else { return false }
      try #require(accept(descriptor, nil, nil) >= 0)
      return true
    }
  }

  /// Without the limit that a test must not wait for.
  private func pool(_ server: SilentServer, limit: Duration) throws -> PostgresPool {
    let uri = "postgres://127.0.0.1:\(server.port)/prizes?connect_timeout=3600&sslmode=disable&gssencmode=disable"
    return PostgresPool(try #require(PostgresAddress(uri: uri)), size: 2, limit: limit)
  }

  @Test func aCallEndsAtItsLimitThoughNobodyAnswers() async throws {
    let server = try SilentServer()
    defer { withExtendedLifetime(server) {} }
    // Long enough to begin: where that takes longer, it is another error.
    let pool = try pool(server, limit: .seconds(4))
    let failure = await #expect(throws: PostgresFailure.self) { try await pool.run { _, _ in } }
    #expect(failure?.state == "08001")
    let error = failure.map { PrizeStoreError($0, database: "postgres://db/prizes") }
    #expect(error?.kind == .unavailable && error?.message.contains("no server answered in time") == true)
  }

  @Test func aCancelledCallEndsAtOnceThoughNobodyAnswers() async throws {
    let server = try SilentServer()
    let pool = try pool(server, limit: .seconds(3_600))
    let call = Task { try await pool.run { _, _ in } }
    try await server.acceptOne()
    call.cancel()
    await #expect(throws: CancellationError.self) { try await call.value }
  }

  /// However many calls give up, no more is under way than there may be connections.
  @Test func callsThatGiveUpLeaveNoHeapOfAttempts() async throws {
    let server = try SilentServer()
    let pool = try pool(server, limit: .milliseconds(200))
    for _ in 1...5 {
      await #expect(throws: PostgresFailure.self) { try await pool.run { _, _ in } }
    }
    try await server.acceptOne()
    #expect(try !server.acceptsOneNow())
  }

  /// A pool of one connection more than those that wait for a server that says nothing would serve others; threads of Swift's pool
  /// serve everyone.
  @Test func waitingForAServerTakesNoThreadOfOthers() async throws {
    let server = try SilentServer()
    let pool = try pool(server, limit: .seconds(3_600))
    let calls = (0..<(ProcessInfo.processInfo.activeProcessorCount * 4)).map { _ in
      Task { try await pool.run { _, _ in } }
    }
    for _ in 1...2 { try await server.acceptOne() }
    // Each of these needs a thread of Swift's.
    let others = await withTaskGroup(of: Int.self) { group in
      for number in 1...100 { group.addTask { number } }
      return await group.reduce(0, +)
    }
    #expect(others == 5_050)
    #expect(try await BlockingThreads.standard.run { 7 } == 7)
    for call in calls { call.cancel() }
    for call in calls { await #expect(throws: CancellationError.self) { try await call.value } }
  }

  @Test(.enabled(if: TestPostgres.isRunning)) func anotherHostIsTriedWhereOneSaysNothing() async throws {
    let server = try SilentServer()
    defer { withExtendedLifetime(server) {} }
    let uri = try #require(TestPostgres.uri)
    let port = try #require(uri.split(separator: ":").last?.split(separator: "/").first)
    let hosts = uri.replacing("@127.0.0.1:\(port)", with: "@127.0.0.1:\(server.port),127.0.0.1:\(port)")
    // Each host has this time, and the one that answers needs some of it.
    let address = try #require(PostgresAddress(uri: "\(hosts)?connect_timeout=6"))
    let pool = PostgresPool(address, size: 1, limit: .seconds(100))
    #expect(
      try await pool.run { connection, _ in connection.server } == PostgresServer(host: "127.0.0.1", port: Int(port)))
    pool.close()
  }
}
