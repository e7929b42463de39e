import TestSupport
import Testing
import WorkerKit

@testable import PrizePlugins

@Suite(.enabled(if: TestPostgres.isRunning), .timeLimit(.minutes(20))) struct PostgresRetryTests {
  /// As a server says it that cannot put transactions in an order. A sequence counts those that were rolled back, too.
  @Test func aSerializationFailureIsRetriedUntilItIsOver() async throws {
    try await Fixture.with(.postgresql) { (prizes) async throws in
      try prizes.execute("CREATE SEQUENCE tries")
      try prizes.execute(
        """
        CREATE FUNCTION conflict() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          IF nextval('tries') <= 3 THEN RAISE EXCEPTION 'could not serialize access' USING ERRCODE = '40001'; END IF;
          RETURN NEW;
        END $$
        """)
      try prizes.execute("CREATE TRIGGER conflict BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION conflict()")
      #expect(
        try await prizes.store.grant(.of(Fixture.coin, 5, to: Fixture.stranger), as: .item("1"))
          == .now(.pending(for: Fixture.stranger)))
      #expect(try prizes.rows("SELECT last_value FROM tries") == ["4"])
      #expect(try prizes.items() == ["pending \(Fixture.stranger) coin 5"])
    }
  }
}
