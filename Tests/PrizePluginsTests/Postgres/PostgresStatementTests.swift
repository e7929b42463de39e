import Testing
import WorkerKit

@testable import PrizePlugins

@Suite struct PostgresStatementTests {
  @Test func writesArrays() {
    #expect(PostgresStatement.array([String?]()) == "{}")
    #expect(PostgresStatement.array(["a", nil, "NULL", "", "b c"]) == #"{"a",NULL,"NULL","","b c"}"#)
    #expect(PostgresStatement.array([#"a"b\c,{d}"#]) == #"{"a\"b\\c,{d}"}"#)
    #expect(PostgresStatement.array([1, -2]) == "{1,-2}")
  }

  @Test(
    arguments: [
      (nil, ErrorKind.unavailable), ("08006", .unavailable), ("57P01", .unavailable), ("57P03", .unavailable),
      ("53100", .unavailable), ("53300", .unavailable), ("25006", .unavailable), ("0A000", .unavailable),
      ("28P01", .unavailable),
      ("42501", .unavailable), ("42P01", .unavailable), ("40P01", .unavailable), ("58030", .unavailable),
      ("XX001", .unavailable), ("57014", .timeout), ("23514", .unexpected), ("P0001", .unexpected),
      ("22P02", .unexpected),
    ] as [(String?, ErrorKind)])
  func tellsWhatPassesFromWhatDoesNot(_ state: String?, _ kind: ErrorKind) {
    let error = PrizeStoreError(PostgresFailure(state: state, message: "cause\nmore"), database: "postgres://db/prizes")
    #expect(error.kind == kind)
    #expect(error.description.hasPrefix("the prize database failed: postgres://db/prizes: cause, more"))
  }
}
