/// A transaction, or the part of one that belongs to some of its events: what it begins with is sent with its first statements, and
/// what it ends with is sent with its last, so that most events take two round trips.
final class PostgresTransaction {
  let connection: PostgresConnection
  let deadline: ContinuousClock.Instant
  private var beginning: [PostgresStatement]
  private let end: [PostgresStatement]

  private init(
    _ connection: PostgresConnection, until deadline: ContinuousClock.Instant, beginning: [PostgresStatement],
    end: [PostgresStatement]
  ) {
    self.connection = connection
    self.deadline = deadline
    self.beginning = beginning
    self.end = end
  }

  /// Its settings are the transaction's and not the session's, whatever the server, the role or the database has for others.
  ///
  /// A worker that freezes, or a network that swallows everything, leaves nothing locked for longer than others wait. And a commit that
  /// was reported outlasts the server's crash, also where it is not set up so for everyone.
  private static let begin = begin(statementTimeout: "10s")

  private static func begin(statementTimeout: String) -> [PostgresStatement] {
    [
      PostgresStatement("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"),
      PostgresStatement(
        """
        SELECT set_config('idle_in_transaction_session_timeout', '5s', true),
          set_config('statement_timeout', '\(statementTimeout)', true),
          set_config('synchronous_commit',
            CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, true)
        """),
    ]
  }

  /// How long an import, a report or a batch of a copy may take: no message waits for it, and a large database takes long.
  static let longLimit = Duration.seconds(600)
  private static let longTimeout = "\(longLimit.components.seconds)s"

  static func whole(
    _ connection: PostgresConnection, until deadline: ContinuousClock.Instant
  ) -> PostgresTransaction {
    PostgresTransaction(connection, until: deadline, beginning: begin, end: [PostgresStatement("COMMIT")])
  }

  /// One that may take ``longLimit``.
  static func long(_ connection: PostgresConnection) -> PostgresTransaction {
    PostgresTransaction(
      connection, until: .now + longLimit, beginning: begin(statementTimeout: longTimeout),
      end: [PostgresStatement("COMMIT")])
  }

  /// Reads one state of everything, however many statements it takes, in ``longLimit``.
  static func reading(_ connection: PostgresConnection) -> PostgresTransaction {
    PostgresTransaction(
      connection, until: .now + longLimit,
      beginning: [
        PostgresStatement("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"),
        PostgresStatement("SELECT set_config('statement_timeout', '\(longTimeout)', true)"),
      ],
      end: [PostgresStatement("COMMIT")])
  }

  /// What some events do in a transaction that has begun.
  static func savepoint(
    _ connection: PostgresConnection, until deadline: ContinuousClock.Instant
  ) -> PostgresTransaction {
    PostgresTransaction(
      connection, until: deadline, beginning: [PostgresStatement("SAVEPOINT part")],
      end: [PostgresStatement("RELEASE part")])
  }

  func run(_ statements: [PostgresStatement]) throws -> [PostgresRows] {
    let rows = try connection.run(beginning + statements, until: deadline)
    defer { beginning = [] }
    return Array(rows.dropFirst(beginning.count))
  }

  /// Runs the last statements, and ends it.
  @discardableResult
  func finish(_ statements: [PostgresStatement] = []) throws -> [PostgresRows] {
    let rows = try run(statements + end)
    // What a server answers to the commit of a transaction that failed is no error.
    guard rows.last?.command != "ROLLBACK" else {
      throw PostgresFailure(state: "40000", message: "the transaction was rolled back instead of committed")
    }
    return rows
  }

  func undo(toSavepoint: Bool = false) throws {
    let statements = toSavepoint ? ["ROLLBACK TO part", "RELEASE part"] : ["ROLLBACK"]
    _ = try connection.run(statements.map { PostgresStatement($0) }, until: deadline)
  }
}
