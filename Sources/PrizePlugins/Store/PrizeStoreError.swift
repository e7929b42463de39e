import WorkerKit

/// Why the store could not do its work. What an event got wrong is an ``EventError`` instead.
struct PrizeStoreError: ClassifiedError, CustomStringConvertible {
  let kind: ErrorKind
  /// The cause and the next step.
  let message: String
  /// The database: a file, or a server's name for it, without a password.
  let database: String
  /// The SQLSTATE, where a server sent one.
  private(set) var code: String?

  var description: String { message }

  init(kind: ErrorKind, message: String, database: String, code: String? = nil) {
    self.kind = kind
    self.message = message
    self.database = database
    self.code = code
  }

  static func newerVersion(database: String) -> PrizeStoreError {
    PrizeStoreError(
      kind: .unavailable,
      message: "cannot use the prize database: \(database) was made by a newer version of this worker, or by another "
        + "program; run the newer version, or name another database in plugins.prizes.database",
      database: database)
  }

  static func nothingToHold(_ cause: String, database: String) -> PrizeStoreError {
    PrizeStoreError(
      kind: .notFound,
      message: "\(cause); name the one that is meant in PRIZE_DATABASE or plugins.prizes.database (after `worker dev`: "
        + "`. .worker/env`), or import a catalog first",
      database: database)
  }
}
