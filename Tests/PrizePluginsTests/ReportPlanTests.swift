import Foundation
import GRDB
import TestSupport
import Testing
import WorkerKit

@testable import PrizePlugins

/// Which indexes reports are read from: `EXPLAIN` says so, however fast the machine is.
@Suite struct ReportPlanTests {
  private static let days = (from: ReportDay("2026-11-02"), to: ReportDay("2026-11-03"))

  private static func requests(_ grouping: PrizeReport.Grouping) -> [PrizeReport.Request] {
    [
      PrizeReport.Request(grouping: grouping), PrizeReport.Request(grouping: grouping, from: days.from),
      PrizeReport.Request(grouping: grouping, from: days.from, to: days.to),
    ]
  }

  /// Nothing but an index is read, and it has the groups in their order.
  @Test(
    arguments: [
      (PrizeReport.Grouping.day, "ledger_by_day"), (.community, "ledger_by_community"),
      (.itemType, "ledger_by_item_type"),
    ])
  func sqliteReadsAnIndexAlone(grouping: PrizeReport.Grouping, index: String) async throws {
    try await Fixture.with(.sqlite) { (prizes) async throws in
      for request in Self.requests(grouping) {
        let plan = try await DatabaseQueue(path: prizes.path).read { db in
          let days = [request.from, request.to].compactMap { $0?.text }
          let sql = "EXPLAIN QUERY PLAN \(ReportQuery.sums(request))"
          return try Row.fetchAll(db, sql: sql, arguments: StatementArguments(days)).map { $0["detail"] as String }
        }
        // SQLite before 3.41 does not call an index of an expression a covering one.
        let kind = grouping == .day ? "INDEX" : "COVERING INDEX"
        #expect(plan.first?.contains("\(kind) \(index)") == true, "\(plan)")
        #expect(!plan.contains { $0.contains("TEMP B-TREE FOR GROUP BY") }, "\(plan)")
      }
    }
  }

  /// The days of a request are found by an index, so that the size of the rest of the ledger does not matter.
  @Test(.enabled(if: TestPostgres.isRunning), arguments: [PrizeReport.Grouping.day, .community, .itemType])
  func postgresFindsDaysByAnIndex(grouping: PrizeReport.Grouping) async throws {
    try await Fixture.with(.postgresql) { (prizes) async throws in
      // A day in a thousand.
      try prizes.execute(
        """
        INSERT INTO ledger (at, change, discord_user_id, community_id, item_type_id, quantity)
        SELECT timestamptz '2026-11-02 12:00Z' - make_interval(days => n % 1000), 'granted', '1', 'crew', 'coin', 1
        FROM generate_series(1, 20000) AS s (n)
        """)
      try prizes.execute("ANALYZE ledger")
      let statement = PostgresReport.sums(
        PrizeReport.Request(grouping: grouping, from: Self.days.from, to: Self.days.to))
      let connection = try PostgresConnection(prizes.address)
      var explain = PostgresStatement("EXPLAIN \(statement.sql)")
      explain.parameters = statement.parameters
      let plan = try connection.run([explain], until: .now + .seconds(60))[0].rows.compactMap { $0[0] }
      #expect(plan.contains { $0.contains("ledger_by_time") }, "\(plan)")
      #expect(!plan.contains { $0.contains("Seq Scan") }, "\(plan)")
    }
  }
}
