import Testing

@testable import WorkerKit

@Suite("Backoff")
struct BackoffTests {
  @Test(
    "the ceiling doubles until the maximum",
    arguments: [(1, 2.0), (2, 4.0), (3, 8.0), (4, 16.0), (9, 512.0), (10, 900.0), (11, 900.0), (5000, 900.0)])
  func ceiling(attempt: Int, seconds: Double) {
    var backoff = Backoff.standard
    backoff.jitter = .none
    #expect(backoff.delay(afterAttempt: attempt, random: 0) == .seconds(seconds))
  }

  @Test("full jitter draws from zero up to the ceiling")
  func jitter() {
    #expect(Backoff.standard.delay(afterAttempt: 3, random: 0) == .zero)
    #expect(Backoff.standard.delay(afterAttempt: 3, random: 0.25) == .seconds(2))
    #expect(Backoff.standard.delay(afterAttempt: 3, random: 0.5) == .seconds(4))
  }

  @Test("an attempt below one counts as the first")
  func oddAttempts() {
    #expect(Backoff.standard.delay(afterAttempt: 0, random: 0.5) == .seconds(1))
  }
}
