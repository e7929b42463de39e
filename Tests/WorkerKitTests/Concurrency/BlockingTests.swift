import Dispatch
import Foundation
import TestSupport
import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("Blocking code", .timeLimit(.minutes(20)))
struct BlockingTests {
  @Test("it runs on at most the maximum number of threads, and further calls wait for a free one")
  func limit() async throws {
    let threads = BlockingThreads(limit: 2)
    let release = DispatchSemaphore(value: 0)
    let running = AsyncValue((now: 0, most: 0))
    try await withThrowingTaskGroup(of: Int.self) { group in
      for number in 1...5 {
        group.addTask {
          try await threads.run {
            running.update { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
            release.wait()
            running.update { $0.now -= 1 }
            return number
          }
        }
      }
      try await running.wait { $0.now == 2 }
      for _ in 1...5 { release.signal() }
      #expect(try await group.reduce(into: Set()) { $0.insert($1) } == [1, 2, 3, 4, 5])
    }
    #expect(running.value.most == 2)
  }

  @Test("a call that is cancelled while it waits does not run; one that has started is awaited")
  func cancellation() async throws {
    let threads = BlockingThreads(limit: 1)
    let release = DispatchSemaphore(value: 0)
    let begun = AsyncValue(0)
    let first = Task {
      try await threads.run {
        begun.update { $0 += 1 }
        release.wait()
        return "done"
      }
    }
    try await begun.wait { $0 == 1 }
    let second = Task { try await threads.run { begun.update { $0 += 1 } } }
    second.cancel()
    await #expect(throws: CancellationError.self) { try await second.value }
    first.cancel()
    release.signal()
    #expect(try await first.value == "done")
    #expect(begun.value == 1)
  }

  @Test("its error is thrown")
  func failure() async throws {
    await #expect(throws: EventError.self) {
      try await BlockingThreads(limit: 1).run { throw EventError(.conflict, "no") }
    }
  }

  @Test("sleeps of the worker's clock end in order, and a cancelled one at once")
  func sleeps() async throws {
    let clock = WorkerClock.continuous
    let start = clock.now
    let ends = Record<Int>()
    let long = Task { try await clock.sleep(for: .seconds(3600)) }
    await withTaskGroup(of: Void.self) { group in
      for milliseconds in [60, 20, 40] {
        group.addTask {
          try? await clock.sleep(until: start + .milliseconds(milliseconds))
          ends.add(milliseconds)
        }
      }
    }
    #expect(Set(ends.all) == [20, 40, 60])
    #expect(clock.now - start >= .milliseconds(60))
    long.cancel()
    await #expect(throws: CancellationError.self) { try await long.value }
  }
}
