import CPostgres
import Foundation
import WorkerKit

/// What PostgreSQL, or the way to it, answered instead of a result.
struct PostgresFailure: Error {
  /// Five characters: a class of errors and one of them; nil where no server said anything.
  var state: String?
  /// One line. Never what the server adds about rows and values, which are parts of events.
  var message: String
  /// The constraint that was violated.
  var constraint: String?
  /// Whether the worker gave up, rather than the server.
  private(set) var isOurs = false

  init(state: String?, message: String, constraint: String? = nil) {
    self.state = state
    self.message = message.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
      .joined(separator: ", ")
    self.constraint = constraint
  }

  /// Of a result that is an error.
  init(result: OpaquePointer) {
    func field(_ code: Int32) -> String? { PQresultErrorField(result, code).map { String(cString: $0) } }
    self.init(
      state: field(Int32(UInt8(ascii: "C"))),
      message: field(Int32(UInt8(ascii: "M"))) ?? String(cString: PQresultErrorMessage(result)),
      constraint: field(Int32(UInt8(ascii: "n"))))
  }

  /// Of the connection itself.
  init(connection: OpaquePointer) {
    self.init(state: nil, message: String(cString: PQerrorMessage(connection)))
  }

  /// The state of a connection that TLS has prevented: of class 08, as the standard has it, and not PostgreSQL's.
  static let tls = "08TLS"

  /// The same state as where the server's own `statement_timeout` ended it.
  static let timeout = {
    var failure = PostgresFailure(state: "57014", message: "no answer came in time")
    failure.isOurs = true
    return failure
  }()

  private var stateClass: Substring? { state?.prefix(2) }

  /// Whether the same transaction may succeed at once: other transactions were in its way.
  var isRetriedAtOnce: Bool { ["40001", "40P01"].contains(state) }

  /// Whether the connection is of no use any more, while another one may be: it was cut, or its server stops, or became read-only.
  var needsAnotherConnection: Bool {
    guard let state else { return true }
    return stateClass == "08" || ["57P01", "57P02", "57P05", "25006", "0A000", "25P03"].contains(state)
  }

  /// Whether the other events of a batch can be handled all the same.
  var concernsOneEvent: Bool { advice == nil && !isRetriedAtOnce && state != Self.timeout.state }

  /// What to do about a failure that passes or that an operator can end; nil for any other.
  var advice: String? {
    switch (stateClass, state) {
    case (_, Self.tls):
      "correct sslmode, sslrootcert or the host's name in PRIZE_DATABASE, or the server's certificate"
    case (nil, _), ("08", _): "check that the server runs and can be reached"
    case (_, "57P03"), (_, "57P01"), (_, "57P02"): "the server starts or stops; wait"
    case (_, "57014"), (_, "55P03"), (_, "25P03"):
      "look for transactions that hold locks for long (pg_stat_activity), and for a slow disk or network"
    case (_, "40001"), (_, "40P01"): "other transactions are in its way; wait"
    case (_, "53100"): "free space on the server's disk"
    case (_, "53300"):
      "raise max_connections, or the CONNECTION LIMIT of the role or the database, or put PgBouncer before the server"
    case ("53", _): "the server lacks memory or disk"
    case ("58", _), (_, "XX001"), (_, "XX002"): "look at the server's log and its disk"
    // The second one is what a standby says to a transaction that asks to write.
    case (_, "25006"), (_, "0A000"):
      "it is a standby, or read-only; name all servers and add target_session_attrs=read-write"
    case ("28", _):
      "correct the user or the password in PRIZE_DATABASE or its password file, or the server's pg_hba.conf"
    case (_, "55000"): "let the database accept connections: ALTER DATABASE … ALLOW_CONNECTIONS true"
    case (_, "3D000"): "create that database, or correct its name in PRIZE_DATABASE"
    case (_, "42501"): "grant that to the worker's role, as docs/prizes.md has it"
    case (_, "42P01"), (_, "42703"), (_, "3F000"):
      "its tables are not the worker's: check the database's name and the role's search_path"
    case ("57", _): "look at the server's log"
    default: nil
    }
  }
}

extension PrizeStoreError {
  init(_ failure: PostgresFailure, database: String, opening: Bool = false) {
    let failed = opening ? "cannot open the prize database" : "the prize database failed"
    let code = failure.state.map { " (\($0))" } ?? ""
    self.init(
      kind: failure.advice == nil
        ? .unexpected : failure.state == PostgresFailure.timeout.state ? .timeout : .unavailable,
      message: "\(failed): \(database): \(failure.message)\(code); "
        + (failure.advice ?? "look for that error of PostgreSQL, the event was not handled"),
      database: database, code: failure.state)
  }
}
