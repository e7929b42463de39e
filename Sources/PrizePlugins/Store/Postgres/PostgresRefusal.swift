/// Why no connection was made. libpq keeps the texts of the servers' refusals, and not their codes.
///
/// | text | code |
/// |---|---|
/// | `sorry, too many clients already`, `too many connections for role "x"` | `53300` |
/// | `password authentication failed for user "x"`, `no password supplied` | `28P01` |
/// | `role "x" does not exist`, `no pg_hba.conf entry for host` | `28000` |
/// | `database "x" does not exist` | `3D000` |
/// | `database "x" is not currently accepting connections` | `55000` |
/// | `permission denied for database "x"` | `42501` |
/// | `the database system is starting up` | `57P03` |
/// | `session is read-only`, `server is in hot standby mode` | `25006` |
/// | `server certificate for "x" does not match host name "y"` | ``PostgresFailure/tls`` |
enum PostgresRefusal {
  /// The first whose parts are in the text, in their order. A text of several hosts says more than one thing: what an operator can
  /// correct comes before what passes.
  private static let states: [(parts: [String], state: String)] = [
    (["too many connections for"], "53300"), (["too many clients"], "53300"),
    (["remaining connection slots"], "53300"), (["no more connections allowed"], "53300"),
    (["permission denied for database"], "42501"),
    (["database \"", "\" is not currently accepting connections"], "55000"),
    (["cannot connect to invalid database"], "55000"),
    (["database \"", "\" does not exist"], "3D000"), (["no such database"], "3D000"),
    (["role \"", "\" does not exist"], "28000"), (["role \"", "\" is not permitted to log in"], "28000"),
    (["no such user"], "28000"), (["pg_hba.conf"], "28000"),
    (["password authentication failed"], "28P01"), (["no password supplied"], "28P01"),
    (["SASL authentication failed"], "28P01"), (["authentication failed"], "28000"),
    (["does not match host name"], PostgresFailure.tls), (["certificate"], PostgresFailure.tls),
    (["server does not support SSL"], PostgresFailure.tls), (["SSL error"], PostgresFailure.tls),
    (["session is read-only"], "25006"), (["is in hot standby mode"], "25006"),
    (["is starting up"], "57P03"), (["is shutting down"], "57P03"), (["in recovery mode"], "57P03"),
    (["not yet accepting connections"], "57P03"), (["is not accepting connections"], "57P03"),
  ]

  /// - Parameter text: libpq's, of one host or of several.
  /// - Returns: nil where no server has said why.
  static func state(of text: String) -> String? {
    states.first { entry in
      var rest = text[...]
      return entry.parts.allSatisfy { part in
        guard let found = rest.firstRange(of: part) else { return false }
        rest = rest[found.upperBound...]
        return true
      }
    }?.state
  }
}
