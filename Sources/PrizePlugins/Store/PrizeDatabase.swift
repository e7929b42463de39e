public import WorkerKit

/// Where prizes are kept, as `routes.yaml` writes it: `sqlite:<path>` or `postgres://<server>/<database>`.
///
/// | text | database |
/// |---|---|
/// | `sqlite:prizes.db` | the file `prizes.db`, in the working directory |
/// | `sqlite:/var/lib/worker/prizes.db` | the file `/var/lib/worker/prizes.db` |
/// | `sqlite:///var/lib/worker/prizes.db` | the same |
/// | `postgres://worker@db.internal/prizes?sslmode=verify-full` | `prizes` on a PostgreSQL server |
/// | `postgresql://db1,db2/prizes?target_session_attrs=read-write` | the same on the one of two servers that takes writes |
/// | `postgres:///?service=prizes` | what libpq's service file says |
///
/// The text for PostgreSQL is a connection URI of libpq's, with all of its parameters. What it leaves out comes from libpq's variables
/// (`PGPASSWORD`, `PGPASSFILE`, `PGSSLROOTCERT` and so on) and files.
public struct PrizeDatabase: ConfigurationValue, Hashable, CustomStringConvertible {
  enum Location: Hashable {
    case sqlite(SQLiteFile)
    case postgres(PostgresAddress)
  }

  let location: Location

  public static var configurationDescription: String {
    "sqlite:<path>, such as sqlite:prizes.db, or a connection URI of PostgreSQL's, such as "
      + "postgres://worker@db.internal/prizes, whose password is percent-encoded where it is in there"
  }

  public init?(configurationText text: String) {
    if let file = SQLiteFile(text: text) {
      location = .sqlite(file)
    } else if let address = PostgresAddress(uri: text) {
      location = .postgres(address)
    } else {
      return nil
    }
  }

  init(path: String) {
    location = .sqlite(SQLiteFile(path: path))
  }

  /// Without a password.
  public var description: String {
    switch location {
    case .sqlite(let file): file.description
    case .postgres(let address): address.description
    }
  }

  /// Opens the database, or makes it, and brings its tables up to date.
  ///
  /// - Throws: ``PrizeStoreError`` that names the database and what to do.
  func open() async throws -> any PrizeStore {
    switch location {
    case .sqlite(let file): try await SQLitePrizeStore(path: file.path)
    case .postgres(let address): try await PostgresPrizeStore(address)
    }
  }

  /// What would happen if the worker started now; changes nothing.
  ///
  /// - Parameter age: How long the keys of handled events are kept.
  func findings(keepingKeysFor age: Duration) async -> [Finding] {
    switch location {
    case .sqlite(let file): await DatabaseDiagnosis(database: file, keyAge: age).findings()
    case .postgres(let address): await PostgresDiagnosis(address: address, keyAge: age).findings()
    }
  }

  /// Sums up the ledger; brings no tables up to date.
  ///
  /// - Throws: ``PrizeStoreError``, of kind `notFound` where there is no database, or no ledger in it.
  func report(_ request: PrizeReport.Request) async throws -> PrizeReport {
    switch location {
    case .sqlite(let file): try await file.report(request)
    case .postgres(let address): try await address.report(request)
    }
  }

  /// What someone owns and what waits for them.
  ///
  /// - Throws: ``PrizeStoreError``, of kind `notFound` where there is no database, or nothing in it that can be held.
  func holdings(of id: Identifier, withHistory: Bool = false) async throws -> Holdings {
    switch location {
    case .sqlite(let file): try await file.holdings(of: id, withHistory: withHistory)
    case .postgres(let address): try await address.holdings(of: id, withHistory: withHistory)
    }
  }
}
