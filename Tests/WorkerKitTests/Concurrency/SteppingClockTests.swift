import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("A sleep in steps", .timeLimit(.minutes(1)))
struct SteppingClockTests {
  let manual = ManualClock()

  @Test("takes a second at first, then as long as before, and ends at its deadline")
  func steps() async throws {
    let clock = WorkerClock(SteppingClock(manual))
    async let sleep: Void = clock.sleep(for: .milliseconds(21_500))
    for step in [1000, 1000, 2000, 4000, 8000, 5500] {
      try await manual.untilSleeping(for: .milliseconds(step))
      manual.advance(by: .milliseconds(step))
    }
    try await sleep
  }

  @Test("a short one is one", arguments: [1, 10, 1000])
  func short(milliseconds: Int) async throws {
    let clock = WorkerClock(SteppingClock(manual))
    async let sleep: Void = clock.sleep(for: .milliseconds(milliseconds))
    try await manual.untilSleeping(for: .milliseconds(milliseconds))
    manual.advance(by: .milliseconds(milliseconds))
    try await sleep
  }

  @Test("ends at once when it is cancelled, between its steps too")
  func cancellation() async throws {
    let clock = WorkerClock(SteppingClock(manual))
    let task = Task { try await clock.sleep(for: .seconds(20)) }
    try await manual.untilSleeping(for: .seconds(1))
    manual.advance(by: .seconds(1))
    try await manual.untilSleeping(for: .seconds(1))
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
  }
}
