import Testing
import WorkerKit

@testable import PrizePlugins

@Suite("What worker doctor reports of a PostgreSQL server") struct PostgresServerStateTests {
  private static let healthy = PostgresServerState(
    version: "15.7", versionNumber: 150_007, isEncrypted: true, isStandby: false, isReadOnly: false,
    connectionsLeft: 90,
    clockAhead: 0, isDurable: true, schema: PostgresSchema.version,
    counts: ImportCounts(communities: 1, itemTypes: 2, characters: 3, accounts: 4))

  private func findings(_ change: (inout PostgresServerState) -> Void) -> [Finding] {
    var server = Self.healthy
    change(&server)
    return server.findings(in: "postgres://db/prizes", keptFor: .seconds(90 * 86_400))
  }

  @Test func aHealthyServerHasNoProblem() {
    #expect(findings { _ in }.map(\.status) == [.ok, .ok, .ok])
    #expect(Self.healthy.canBeWritten)
  }

  struct Row: Sendable {
    var change: @Sendable (inout PostgresServerState) -> Void
    var status: Finding.Status
    var message: String
    var remedy: [String] = []
    /// Whether it is tried to write to it all the same.
    var canBeWritten = true
  }

  @Test(
    arguments: [
      Row(
        change: { ($0.version, $0.versionNumber) = ("13.9", 130_009) }, status: .wrong,
        message: "PostgreSQL 13.9 is too old; version 14 or later is needed", canBeWritten: false),
      Row(change: { $0.schema += 1 }, status: .wrong, message: "made by a newer version", canBeWritten: false),
      Row(
        change: { $0.schema -= 1 }, status: .warning,
        message: "its tables are version \(PostgresSchema.version - 1), and", canBeWritten: false),
      Row(
        change: { $0.schema = 0 }, status: .warning, message: "it has no tables",
        remedy: ["worker prizes import catalog.yaml"], canBeWritten: false),
      Row(
        change: { $0.isStandby = true }, status: .wrong, message: "the server is a standby, and nothing can be granted",
        canBeWritten: false),
      Row(change: { $0.isReadOnly = true }, status: .wrong, message: "the server is read-only", canBeWritten: false),
      Row(
        change: { $0.isDurable = false }, status: .wrong, message: "fsync is off",
        remedy: ["ALTER SYSTEM SET fsync = on"]),
      Row(
        change: { $0.clockAhead = 31 }, status: .warning, message: "its clock differs from this machine's by 31 s; set"),
      Row(
        change: { $0.clockAhead = -31 }, status: .warning, message: "its clock differs from this machine's by 31 s; set"
      ),
      Row(
        change: { $0.connectionsLeft = 19 }, status: .warning,
        message: "19 connections are left, and a worker uses up to 5"),
      Row(
        change: { $0.missingRights = ["UPDATE ON items", "SELECT ON ledger"] }, status: .wrong,
        message: "the role may not do all that a worker does",
        remedy: ["GRANT UPDATE ON items TO ROLE; GRANT SELECT ON ledger TO ROLE"], canBeWritten: false),
      Row(
        change: { ($0.liveKeys, $0.deadKeys) = (10, 100_001) }, status: .warning,
        message: "handled_events has 100001 dead rows beside 10", remedy: ["VACUUM handled_events"]),
      Row(
        change: { $0.oldestKey = 92 * 86_400 }, status: .warning,
        message: "the oldest key of a handled event is 92 days old"),
      Row(
        change: { $0.counts = ImportCounts(communities: 0, itemTypes: 0, characters: 0, accounts: 0) },
        status: .warning,
        message: "the catalog is empty", remedy: ["worker prizes import catalog.yaml"]),
    ])
  func eachProblemIsOneFinding(row: Row) throws {
    let problems = findings(row.change).filter { $0.status != .ok }
    let problem = try #require(problems.first)
    #expect(problems.count == 1 && problem.status == row.status)
    #expect(problem.message.contains(row.message), "\(problem)")
    #expect(problem.message.contains("postgres://db/prizes"))
    #expect(problem.remedy == row.remedy)
    var server = Self.healthy
    row.change(&server)
    #expect(server.canBeWritten == row.canBeWritten)
  }

  @Test(
    "what is just within the limits is none",
    arguments: [
      { $0.clockAhead = 30 }, { $0.connectionsLeft = 20 }, { ($0.liveKeys, $0.deadKeys) = (0, 100_000) },
      { ($0.liveKeys, $0.deadKeys) = (200_000, 200_000) }, { $0.oldestKey = 91 * 86_400 },
      { ($0.version, $0.versionNumber) = ("14.0", 140_000) },
    ] as [@Sendable (inout PostgresServerState) -> Void])
  func limits(change: @Sendable (inout PostgresServerState) -> Void) {
    #expect(findings(change).allSatisfy { $0.status == .ok })
  }

  @Test func theFirstFindingSaysHowTheServerAnswers() {
    #expect(
      findings { ($0.isEncrypted, $0.isStandby, $0.clockAhead) = (false, true, -2.9) }[0].message
        == "postgres://db/prizes: PostgreSQL 15.7 answers, without TLS, as a standby; 90 connections are left, and its clock "
        + "differs from this machine's by 2 s")
  }
}
