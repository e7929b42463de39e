import Foundation
import TestSupport
import Testing
import WorkerKit

@testable import PrizePlugins

/// What reports sum up.
@Suite struct ReportTests {
  private static let days = ["2026-11-01T23:59:59Z", "2026-11-02T00:00:00Z", "2026-11-03T12:00:00Z"]

  /// A prize or two on each of three days.
  private func withLedger(_ store: StoreKind, _ body: (Fixture) async throws -> Void) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      for (number, text) in Self.days.enumerated() {
        let time = try Date(text, strategy: .iso8601)
        let another = try await prizes.another(now: { time })
        _ = try await another.grant(.of(Fixture.coin, 5, to: Fixture.stranger), as: .item("\(number)"))
        _ = try await another.grant(.of(Fixture.sword, 2, to: Fixture.aliceOnDiscord), as: .item("sword \(number)"))
        if number == 1 {
          _ = try await another.grant(
            .of(Fixture.foreignCoin, 3, to: Fixture.aliceOnDiscord, in: Fixture.otherGuild), as: .item("foreign"))
          _ = try await another.transfer(.of(Fixture.mira, to: Fixture.stranger), as: .character("1"))
        }
        if number == 2 {
          _ = try await another.link(
            AccountLinked(discordUserId: Fixture.stranger, userId: "bob"), as: .link("1"))
        }
        another.close()
      }
      try await body(prizes)
    }
  }

  /// "crew The Crew 1×2 0×0 0×0"
  private func lines(_ report: PrizeReport) -> [String] {
    report.rows.map { row in
      ([row.id ?? "-", row.name ?? "-"]
        + [row.granted, row.pending, row.claimed].map { "\($0.awards)×\($0.quantity)" }).joined(separator: " ")
    }
  }

  @Test(arguments: StoreKind.all) func sumsUpByDayCommunityAndItemType(_ store: StoreKind) async throws {
    try await withLedger(store) { (prizes) async throws in
      func report(_ grouping: PrizeReport.Grouping, _ from: String? = nil, _ to: String? = nil) async throws -> [String]
      {
        let request = PrizeReport.Request(
          grouping: grouping, from: from.flatMap { ReportDay($0) }, to: to.flatMap { ReportDay($0) })
        let report = try await prizes.store.report(request)
        #expect(report == (try await prizes.database.report(request)))
        return lines(report)
      }
      #expect(
        try await report(.day) == [
          "2026-11-01 - 1×2 1×5 0×0", "2026-11-02 - 2×5 2×6 0×0", "2026-11-03 - 1×2 1×5 2×16",
        ])
      #expect(
        try await report(.community) == [
          "crew The Crew 3×6 4×16 1×15", "others The Others 1×3 0×0 0×0", "- - 0×0 0×0 1×1",
        ])
      #expect(
        try await report(.itemType) == [
          "coin Gold coin 0×0 3×15 1×15", "foreign-coin Foreign coin 1×3 0×0 0×0", "sword Sword 3×6 0×0 0×0",
          "- - 0×0 1×1 1×1",
        ])
      #expect(try await report(.day, "2026-11-02", "2026-11-02") == ["2026-11-02 - 2×5 2×6 0×0"])
      #expect(try await report(.community, "2026-11-03") == ["crew The Crew 1×2 1×5 1×15", "- - 0×0 0×0 1×1"])
      #expect(
        try await report(.itemType, nil, "2026-11-01") == ["coin Gold coin 0×0 1×5 0×0", "sword Sword 1×2 0×0 0×0"])
      #expect(try await report(.day, "2027-01-01").isEmpty)
    }
  }

  /// What a producer that awards too much leaves cannot break reports for ever.
  @Test(arguments: StoreKind.all) func countsAsFarAsItCan(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      try prizes.execute(
        """
        INSERT INTO ledger (at, change, discord_user_id, community_id, item_type_id, quantity)
        SELECT '2026-11-01T00:00:00Z', 'pending', '1', 'crew', 'coin', \(PrizeRules.largestStack) FROM
          (WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1100) SELECT i FROM n) AS s
        """)
      let report = try await prizes.store.report(PrizeReport.Request(grouping: .itemType))
      #expect(report.rows.map(\.pending) == [PrizeReport.Sum(awards: 1_100, quantity: .max)])
      #expect((report.total.pending + report.total.pending).quantity == .max)
    }
  }

  @Test(arguments: ["2026-11-28", "2024-02-29", "0001-01-01"]) func readsDays(_ text: String) {
    #expect(ReportDay(text)?.text == text)
  }

  @Test(arguments: ["2026-2-3", "2026-02-29", "2026-13-01", "today", "", "2026-11-28T", "+026-11-28", "0000-01-01"])
  func refusesWhatIsNoDay(_ text: String) {
    #expect(ReportDay(text) == nil)
  }

  @Test func isPrintedForPeopleSpreadsheetsAndPrograms() throws {
    var report = PrizeReport(request: PrizeReport.Request(grouping: .community, from: ReportDay("2026-11-01")))
    report.add(.init(awards: 7, quantity: 30), of: .granted, id: "crew", name: #"=The "Crew", ltd"#)
    report.add(.init(awards: 1, quantity: 1), of: .claimed, id: nil, name: nil)
    #expect(
      try report.text(as: .table) == """
        community  name              granted  quantity  pending  quantity  claimed  quantity
        crew       =The "Crew", ltd        7        30        0         0        0         0
        (none)                             0         0        0         0        1         1
        all                                7        30        0         0        1         1
        """)
    #expect(
      try report.text(as: .csv) == #"""
        id,name,granted_awards,granted_quantity,pending_awards,pending_quantity,claimed_awards,claimed_quantity
        crew,"'=The ""Crew"", ltd",7,30,0,0,0,0
        ,,0,0,0,0,1,1
        """#)
    #expect(
      try report.text(as: .json)
        == #"{"by":"community","from":"2026-11-01","rows":["#
        + #"{"claimed":{"awards":0,"quantity":0},"granted":{"awards":7,"quantity":30},"id":"crew","#
        + #""name":"=The \"Crew\", ltd","pending":{"awards":0,"quantity":0}},"#
        + #"{"claimed":{"awards":1,"quantity":1},"granted":{"awards":0,"quantity":0},"id":null,"name":null,"#
        + #""pending":{"awards":0,"quantity":0}}],"to":null}"#)
  }
}
