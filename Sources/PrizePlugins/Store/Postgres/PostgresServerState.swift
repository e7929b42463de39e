import WorkerKit

/// What ``PostgresDiagnosis`` has found out about a server, and what that means.
struct PostgresServerState: Sendable {
  var version: String
  /// `150007` is 15.7.
  var versionNumber: Int
  var isEncrypted: Bool
  var isStandby: Bool
  var isReadOnly: Bool
  var connectionsLeft: Int
  /// Of the server's clock, in seconds.
  var clockAhead: Double
  /// Whether a commit is on disk.
  var isDurable: Bool
  /// The version of its tables; 0 where it has none.
  var schema: Int
  var counts: ImportCounts?
  var missingRights: [String] = []
  /// The rows of the keys of handled events.
  var liveKeys = 0
  var deadKeys = 0
  /// How long ago the event was handled whose key is the oldest, in seconds.
  var oldestKey: Double?

  /// Whether it can be tried to write to the worker's tables.
  var canBeWritten: Bool {
    isSupported && schema == PostgresSchema.version && missingRights.isEmpty && !isStandby && !isReadOnly
  }

  private var isSupported: Bool { versionNumber >= 140_000 }

  /// - Parameters:
  ///   - database: Its name for operators, without a password.
  ///   - keyAge: How long the keys of handled events are kept.
  func findings(in database: String, keptFor keyAge: Duration) -> [Finding] {
    guard isSupported else {
      return [.wrong("\(database): PostgreSQL \(version) is too old; version 14 or later is needed")]
    }
    guard schema <= PostgresSchema.version else {
      return [.wrong(PrizeStoreError.newerVersion(database: database).message)]
    }
    var findings = [
      Finding.ok(
        "\(database): PostgreSQL \(version) answers, \(isEncrypted ? "over TLS" : "without TLS"), as a "
          + "\(isStandby ? "standby" : "primary"); \(connectionsLeft) connections are left, and its clock differs "
          + "from this machine's by \(Int(abs(clockAhead))) s")
    ]
    if isStandby || isReadOnly {
      findings.append(
        .wrong(
          "\(database): the server is \(isStandby ? "a standby" : "read-only"), and nothing can be granted on it; "
            + "name all servers in PRIZE_DATABASE, with target_session_attrs=read-write"))
    }
    if !isDurable {
      findings.append(
        .wrong(
          "\(database): fsync is off, so that a crash of the server may lose all prizes",
          remedy: "ALTER SYSTEM SET fsync = on"))
    }
    if abs(clockAhead) > 30 {
      findings.append(
        .warning(
          "\(database): its clock differs from this machine's by \(Int(abs(clockAhead))) s; set both by NTP"))
    }
    if connectionsLeft < 20 {
      findings.append(
        .warning(
          "\(database): \(connectionsLeft) connections are left, and a worker uses up to 5; raise max_connections, or put "
            + "PgBouncer before the server"))
    }
    guard schema == PostgresSchema.version else {
      findings.append(
        schema == 0
          ? .warning(
            "\(database): it has no tables; the worker makes them when it starts, and has nothing to award then",
            remedy: "worker prizes import catalog.yaml")
          : .warning(
            "\(database): its tables are version \(schema), and the worker brings them to \(PostgresSchema.version) when it "
              + "starts; older workers cannot use it then, so keep a backup"))
      return findings
    }
    if !missingRights.isEmpty {
      findings.append(
        .wrong(
          "\(database): the role may not do all that a worker does",
          remedy: missingRights.map { "GRANT \($0) TO ROLE" }.joined(separator: "; ")))
      return findings
    }
    findings.append(.ok("\(database): its tables are version \(schema), those of this worker"))
    if deadKeys > max(100_000, liveKeys) {
      findings.append(
        .warning(
          "\(database): handled_events has \(deadKeys) dead rows beside \(liveKeys); let autovacuum keep up",
          remedy: "VACUUM handled_events"))
    }
    if let age = oldestKey,
      let finding = KeyPruning.finding(oldestKeyIs: .seconds(age), keptFor: keyAge, in: database)
    {
      findings.append(finding)
    }
    if let counts {
      findings.append(
        counts.communities == 0 && counts.characters == 0
          ? .warning(
            "\(database): the catalog is empty, so no guild has a community and every award ends as notFound",
            remedy: "worker prizes import catalog.yaml")
          : .ok("\(database): the catalog has \(counts)"))
    }
    return findings
  }
}
