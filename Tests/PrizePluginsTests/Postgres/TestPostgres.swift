import Foundation
import Testing

@testable import PrizePlugins

/// The PostgreSQL server that `make test` starts for the tests.
enum TestPostgres {
  /// A superuser's; nil where there is no server.
  static let uri = ProcessInfo.processInfo.environment["POSTGRES_TEST_URI"]

  static var isRunning: Bool { uri != nil }

  /// Runs `body` with a schema of its own, which is as good as a database and made in less time.
  static func withSchema(_ body: (PrizeDatabase) async throws -> Void) async throws {
    let schema = "t\(UUID().uuidString.lowercased().replacing("-", with: ""))"
    let server = try address()
    _ = try run("CREATE SCHEMA \(schema)", on: server)
    let result: Result<Void, any Error>
    do {
      result = .success(try await body(try database("options=-csearch_path%3D\(schema)&application_name=\(schema)")))
    } catch {
      result = .failure(error)
    }
    _ = try run("DROP SCHEMA \(schema) CASCADE", on: server)
    try result.get()
  }

  static func address(_ parameters: String = "") throws -> PostgresAddress {
    let uri = try #require(uri)
    return try #require(PostgresAddress(uri: parameters.isEmpty ? uri : "\(uri)?\(parameters)"))
  }

  static func database(_ parameters: String) throws -> PrizeDatabase {
    let uri = try #require(uri)
    return try #require(PrizeDatabase(configurationText: "\(uri)?\(parameters)"))
  }

  /// Runs one statement on a connection of its own.
  static func run(_ sql: String, on address: PostgresAddress) throws -> [[String?]] {
    try PostgresConnection(address).run([PostgresStatement(sql)], until: .now + .seconds(60))[0].rows
  }
}

extension Fixture {
  var address: PostgresAddress {
    guard case .postgres(let address) = database.location else {
      preconditionFailure("a test of PostgreSQL's on another store")
    }
    return address
  }
}

/// A session that does its steps when the test says so. Each blocks its thread, for moments.
struct TestSession {
  private let address: PostgresAddress
  private let connection: PostgresConnection

  init(_ address: PostgresAddress) throws {
    self.address = address
    connection = try PostgresConnection(address)
  }

  func run(_ statements: [String]) throws {
    for sql in statements { _ = try connection.run([PostgresStatement(sql)], until: .now + .seconds(60)) }
  }

  /// Until a connection to the test's schema waits for a lock.
  func waitUntilSomeoneWaits() async throws {
    let schema =
      try connection.run([PostgresStatement("SELECT current_schema()")], until: .now + .seconds(60))[0].rows[0][0] ?? ""
    // Far longer than it takes: where nothing waits, the lock that is tested is not there.
    let deadline = ContinuousClock.now + .seconds(60)
    while true {
      try #require(ContinuousClock.now < deadline, "nothing waits for a lock")
      let waiting = try TestPostgres.run(
        "SELECT 1 FROM pg_stat_activity WHERE application_name = '\(schema)' AND wait_event_type = 'Lock'", on: address)
      if !waiting.isEmpty { return }
      try await Task.sleep(for: .milliseconds(5))
    }
  }
}

extension Result where Failure == any Error {
  init(_ body: () async throws -> Success) async {
    do { self = .success(try await body()) } catch { self = .failure(error) }
  }
}
