import Foundation
import WorkerKit

/// Looks at a PostgreSQL prize database: what would happen if the worker started now.
struct PostgresDiagnosis {
  let address: PostgresAddress
  /// How long the keys of handled events are kept.
  let keyAge: Duration

  func findings() async -> [Finding] {
    do {
      let server = try await address.mapErrors(opening: true) {
        try await PostgresPool(address, size: 1).run { connection, deadline in try Self.inspect(connection, deadline) }
      }
      let findings = server.findings(in: "\(address)", keptFor: keyAge)
      return server.canBeWritten ? findings + [await health()] : findings
    } catch {
      return [.wrong("\(error)")]
    }
  }

  /// As the worker asks for it. Where the tables are this worker's, opening the store changes nothing.
  private func health() async -> Finding {
    do {
      let store = try await PostgresPrizeStore(address)
      defer { store.close() }
      try await store.checkHealth()
      return .ok("\(address): prizes can be written")
    } catch {
      return .wrong("\(error)")
    }
  }

  private static func inspect(_ connection: PostgresConnection, _ deadline: ContinuousClock.Instant) throws
    -> PostgresServerState
  {
    let schema = try PostgresSchema.currentVersion(connection, until: deadline)
    var statements = [
      PostgresStatement(
        """
        SELECT split_part(current_setting('server_version'), ' ', 1), pg_is_in_recovery()::int,
          (current_setting('transaction_read_only') = 'on')::int,
          current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
            - (SELECT sum(numbackends) FROM pg_stat_database),
          extract(epoch FROM clock_timestamp()), (current_setting('fsync') = 'on')::int
        """)
    ]
    if schema == PostgresSchema.version {
      statements += [
        PostgresStatement(
          """
          SELECT (SELECT count(*) FROM communities), (SELECT count(*) FROM item_types), (SELECT count(*) FROM characters),
            (SELECT count(*) FROM linked_accounts)
          """),
        PostgresStatement(
          """
          SELECT p.privilege || ' ON ' || p.name FROM unnest($1::text[], $2::text[]) AS p (name, privilege)
          WHERE NOT has_table_privilege(p.name, p.privilege)
          """,
          PostgresStatement.array(PostgresSchema.rights.flatMap { right in right.1.map { _ in right.0 } }),
          PostgresStatement.array(PostgresSchema.rights.flatMap { $0.1 })),
        PostgresStatement(
          """
          SELECT n_live_tup, n_dead_tup, (SELECT extract(epoch FROM now() - min(handled_at)) FROM handled_events)
          FROM pg_stat_user_tables WHERE relid = 'handled_events'::regclass
          """),
      ]
    }
    let asked = Date().timeIntervalSince1970
    let rows = try connection.run(statements, until: deadline)
    let answered = Date().timeIntervalSince1970
    let about = rows[0].rows[0].map { $0 ?? "" }
    func number(_ row: [String?], _ column: Int) -> Int { row[column].flatMap { Int($0) } ?? 0 }
    // A clock that is right shows a time between the question and the answer.
    let clock = Double(about[4]) ?? 0
    var server = PostgresServerState(
      version: about[0], versionNumber: connection.serverVersion, isEncrypted: connection.isEncrypted,
      isStandby: about[1] == "1", isReadOnly: about[2] == "1", connectionsLeft: Int(about[3]) ?? 0,
      clockAhead: clock - min(max(clock, asked), answered), isDurable: about[5] == "1", schema: schema)
    if rows.count > 1 {
      let counts = rows[1].rows[0]
      server.counts = ImportCounts(
        communities: number(counts, 0), itemTypes: number(counts, 1), characters: number(counts, 2),
        accounts: number(counts, 3))
      server.missingRights = rows[2].rows.compactMap { $0[0] }
      if let keys = rows[3].rows.first {
        (server.liveKeys, server.deadKeys) = (number(keys, 0), number(keys, 1))
        server.oldestKey = keys[2].flatMap { Double($0) }
      }
    }
    return server
  }
}
