import TestSupport
import WorkerLocks

@testable import WorkerKit

/// A TimerQueue with random timers, some of which set or cancel others.
final class RandomDeadlines: Sendable {
  struct Done: Sendable {
    /// The number of the timer in the order of setting, starting at 1.
    var number: Int
    var time: Duration
    /// When the timer ran.
    var end: Duration
  }

  private struct Waiting: Sendable {
    var number: Int
    var time: Duration
    var id: TimerQueue.ID
  }

  let done = Record<Done>()
  let calledOff = Record<Int>()
  private let deadlines: TimerQueue
  private let clock: WorkerClock
  private let random: Mutex<SeededGenerator>
  private let numbers = AsyncValue(0)
  private let waiting = AsyncValue<[Waiting]>([])

  init(deadlines: TimerQueue, clock: WorkerClock, seed: UInt64) {
    self.deadlines = deadlines
    self.clock = clock
    random = Mutex(SeededGenerator(seed: seed))
  }

  /// The number of timers that were set.
  var count: Int { numbers.value }

  /// Whether all timers have run or were cancelled.
  var isOver: Bool { waiting.value.isEmpty }

  /// Waits until all due timers have run, including those that they set for now.
  func untilNoneIsDue() async throws {
    let now = clock.now
    try await waiting.wait { $0.allSatisfy { $0.time > now } }
  }

  func draw(_ range: ClosedRange<Int>) -> Int {
    random.withLock { Int.random(in: range, using: &$0) }
  }

  /// - Parameter milliseconds: Not zero if the queue could act before this returns.
  func setOne(after milliseconds: ClosedRange<Int>) {
    let number = numbers.update { number -> Int in
      number += 1
      return number
    }
    let time = clock.now + .milliseconds(draw(milliseconds))
    let id = deadlines.set(at: time) { self.act(number, dueAt: time) }
    waiting.update { $0.append(Waiting(number: number, time: time, id: id)) }
  }

  private func act(_ number: Int, dueAt time: Duration) {
    done.add(Done(number: number, time: time, end: clock.now))
    for _ in 0..<draw(0...2) where count < 400 { setOne(after: 0...100) }
    if draw(0...3) == 0 { callOffOne() }
    // Only now: a timer that waits has not ended.
    forget(number)
  }

  private func callOffOne() {
    let now = clock.now
    let later = waiting.value.filter { $0.time > now }
    guard !later.isEmpty else { return }
    let chosen = later[draw(0...(later.count - 1))]
    deadlines.cancel(chosen.id)
    calledOff.add(chosen.number)
    forget(chosen.number)
  }

  private func forget(_ number: Int) {
    waiting.update { $0.removeAll { $0.number == number } }
  }
}
