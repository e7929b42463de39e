import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("Batches", .timeLimit(.minutes(1)))
struct BatcherTests {
  let clock = ManualClock()
  let deadlines: Deadlines
  let calls = Record<[Int]>()

  init() {
    deadlines = Deadlines(clock: WorkerClock(clock))
  }

  func batcher(window: Duration = .milliseconds(10)) -> Batcher<Int> {
    Batcher(window: window, deadlines: deadlines) { [calls] entries in
      calls.add(entries)
      return entries.map { entry in
        entry < 0
          ? .failure(QueueError(code: .init(rawValue: "\(entry)"), kind: .badRequest, message: "no")) : .success(())
      }
    }
  }

  @Test("ten requests are one call, made without waiting for the window")
  func full() async {
    let batcher = batcher()
    await withDiscardingTaskGroup { group in
      for entry in 1...20 { group.addTask { _ = await batcher.submit(entry) } }
    }
    #expect(calls.all.map(\.count) == [10, 10])
    #expect(Set(calls.all.flatMap(\.self)) == Set(1...20))
  }

  @Test("fewer wait for the window, and each gets its own outcome")
  func window() async throws {
    let batcher = batcher()
    await deadlines.watching {
      await withTaskGroup(of: (Int, String?).self) { group in
        for entry in [1, -2, 3] {
          group.addTask { (entry, await batcher.submit(entry).failure?.code.rawValue) }
        }
        // All three are in before the window ends.
        try? await yieldUntil { batcher.openCount == 3 }
        try? await clock.untilSleeping(for: .milliseconds(10))
        clock.advance(by: .milliseconds(10))
        for await (entry, code) in group { #expect(code == (entry < 0 ? "\(entry)" : nil)) }
      }
    }
    #expect(calls.all.map(\.count) == [3])
  }

  @Test("a cancelled caller neither cuts the call off nor loses its outcome")
  func cancelled() async {
    let batcher = batcher(window: .zero)
    let task = Task { await batcher.submit(7) }
    task.cancel()
    #expect(await task.value.failure == nil)
    #expect(calls.all == [[7]])
  }

  @Test("a call that fails as a whole, or answers too little, is everyone's failure")
  func failure() async {
    struct Broken: Error {}
    let throwing = Batcher<Int>(window: .zero, deadlines: deadlines) { _ in throw Broken() }
    #expect(await throwing.submit(1).failure?.kind == .unexpected)
    let short = Batcher<Int>(window: .zero, deadlines: deadlines) { _ in [] }
    #expect(await short.submit(1).failure?.code == .invalidResponse)
  }
}
