import TestSupport
import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("Batches", .timeLimit(.minutes(20)))
struct BatcherTests {
  let clock = ManualClock()
  let deadlines: TimerQueue
  let calls = Record<[Int]>()

  init() {
    deadlines = TimerQueue(clock: WorkerClock(clock))
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

  @Test("ten requests form one call, which does not wait for the window")
  func full() async {
    let batcher = batcher()
    await withDiscardingTaskGroup { group in
      for entry in 1...20 { group.addTask { _ = await batcher.submit(entry) } }
    }
    #expect(calls.all.map(\.count) == [10, 10])
    #expect(Set(calls.all.flatMap(\.self)) == Set(1...20))
  }

  @Test("fewer requests wait for the window, and each gets its own outcome")
  func window() async throws {
    let batcher = batcher()
    await deadlines.watching {
      await withTaskGroup(of: (Int, String?).self) { group in
        for entry in [1, -2, 3] {
          group.addTask { (entry, await batcher.submit(entry).failure?.code.rawValue) }
        }
        // All three arrive before the window ends.
        try? await yieldUntil { batcher.openCount == 3 }
        try? await clock.untilSleeping(for: .milliseconds(10))
        clock.advance(by: .milliseconds(10))
        for await (entry, code) in group { #expect(code == (entry < 0 ? "\(entry)" : nil)) }
      }
    }
    #expect(calls.all.map(\.count) == [3])
  }

  @Test("the cancellation of a caller neither interrupts the call nor loses its outcome")
  func cancelled() async {
    let batcher = batcher(window: .zero)
    let task = Task { await batcher.submit(7) }
    task.cancel()
    #expect(await task.value.failure == nil)
    #expect(calls.all == [[7]])
  }

  @Test("a call that fails as a whole, or returns too few results, fails for every caller")
  func failure() async {
    struct Broken: Error {}
    let throwing = Batcher<Int>(window: .zero, deadlines: deadlines) { _ in throw Broken() }
    #expect(await throwing.submit(1).failure?.kind == .unexpected)
    let short = Batcher<Int>(window: .zero, deadlines: deadlines) { _ in [] }
    #expect(await short.submit(1).failure?.code == .invalidResponse)
  }
}
