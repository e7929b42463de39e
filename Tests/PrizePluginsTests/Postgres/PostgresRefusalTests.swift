import Testing
import WorkerKit

@testable import PrizePlugins

@Suite("Why a server refuses a connection") struct PostgresRefusalTests {
  private static let server = #"connection to server at "db.example" (10.0.0.7), port 5432 failed: "#

  @Test(
    arguments: [
      ("FATAL:  sorry, too many clients already", "53300"),
      (#"FATAL:  too many connections for role "prizes""#, "53300"),
      (#"FATAL:  too many connections for database "prizes""#, "53300"),
      ("FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute", "53300"),
      ("FATAL:  no more connections allowed (max_client_conn)", "53300"),
      (#"FATAL:  database "prizes" is not currently accepting connections"#, "55000"),
      (#"FATAL:  database "prizes" does not exist"#, "3D000"),
      (#"FATAL:  no such database: prizes"#, "3D000"),
      (#"FATAL:  permission denied for database "prizes", DETAIL:  User does not have CONNECT privilege."#, "42501"),
      (#"FATAL:  role "worker" does not exist"#, "28000"),
      (#"FATAL:  role "worker" is not permitted to log in"#, "28000"),
      (#"FATAL:  no pg_hba.conf entry for host "10.0.0.9", user "worker", database "prizes", no encryption"#, "28000"),
      (#"FATAL:  pg_hba.conf rejects connection for host "10.0.0.9", user "worker", database "prizes""#, "28000"),
      (#"FATAL:  Peer authentication failed for user "worker""#, "28000"),
      (#"FATAL:  password authentication failed for user "worker""#, "28P01"),
      ("fe_sendauth: no password supplied", "28P01"), ("FATAL:  SASL authentication failed", "28P01"),
      (#"server certificate for "db.internal" does not match host name "db.example""#, "08TLS"),
      ("SSL error: certificate verify failed", "08TLS"),
      (#"root certificate file "/home/worker/.postgresql/root.crt" does not exist, Either provide the file"#, "08TLS"),
      ("server does not support SSL, but SSL was required", "08TLS"),
      ("session is read-only", "25006"), ("server is in hot standby mode", "25006"),
      ("FATAL:  the database system is starting up", "57P03"),
      ("FATAL:  the database system is shutting down", "57P03"),
      ("FATAL:  the database system is in recovery mode", "57P03"),
      ("FATAL:  the database system is not yet accepting connections", "57P03"),
      ("FATAL:  the database system is not accepting connections", "57P03"),
      ("Connection refused, Is the server running on that host and accepting TCP/IP connections?", nil),
      ("server closed the connection unexpectedly", nil), ("timeout expired", nil),
      // A name is no reason.
      (#"FATAL:  database "read-only in recovery mode" does not exist"#, "3D000"),
    ] as [(String, String?)])
  func aCodeIsReadFromTheText(text: String, state: String?) {
    #expect(PostgresRefusal.state(of: Self.server + text) == state)
    // Whatever it is, an operator or time can end it, so it is no event's fault.
    let error = PrizeStoreError(PostgresFailure(state: state, message: text), database: "postgres://db/prizes")
    #expect(error.kind == .unavailable)
  }

  @Test func ofSeveralHostsTheOneThatSaysWhyCounts() {
    let refused = "Connection refused, Is the server running on that host and accepting TCP/IP connections?"
    let text = "\(Self.server)\(refused), \(Self.server)FATAL:  sorry, too many clients already"
    #expect(PostgresRefusal.state(of: text) == "53300")
  }
}
