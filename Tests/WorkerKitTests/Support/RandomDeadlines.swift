import TestSupport

@testable import WorkerKit

/// Deadlines at random times, some of which set others or call others off.
final class RandomDeadlines: Sendable {
  struct Done: Sendable {
    /// From 1, in the order in which they were set.
    var number: Int
    var time: Duration
    /// When it was done.
    var end: Duration
  }

  private struct Waiting: Sendable {
    var number: Int
    var time: Duration
    var id: Deadlines.ID
  }

  let done = Record<Done>()
  let calledOff = Record<Int>()
  private let deadlines: Deadlines
  private let clock: WorkerClock
  private let random: Locked<SeededGenerator>
  private let numbers = Watched(0)
  private let waiting = Watched<[Waiting]>([])

  init(deadlines: Deadlines, clock: WorkerClock, seed: UInt64) {
    self.deadlines = deadlines
    self.clock = clock
    random = Locked(SeededGenerator(seed: seed))
  }

  /// How many have been set.
  var count: Int { numbers.value }

  /// Whether all are done or called off.
  var isOver: Bool { waiting.value.isEmpty }

  /// Waits until what is due by now, and what that sets for now, is done.
  func untilNoneIsDue() async throws {
    let now = clock.now
    try await waiting.wait { $0.allSatisfy { $0.time > now } }
  }

  func draw(_ range: ClosedRange<Int>) -> Int {
    random.withLock { Int.random(in: range, using: &$0) }
  }

  /// - Parameter milliseconds: Not zero while the watch could act before this returns.
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
    // Only now: while one waits, it is not over.
    forget(number)
  }

  private func callOffOne() {
    let now = clock.now
    let later = waiting.value.filter { $0.time > now }
    guard !later.isEmpty else { return }
    let chosen = later[draw(0...(later.count - 1))]
    deadlines.callOff(chosen.id)
    calledOff.add(chosen.number)
    forget(chosen.number)
  }

  private func forget(_ number: Int) {
    waiting.update { $0.removeAll { $0.number == number } }
  }
}
