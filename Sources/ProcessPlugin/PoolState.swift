import Logging
import WorkerKit

/// What a ``ProcessPool`` knows, and decides: pure, but for the continuations that it keeps.
struct PoolState: Sendable {
  /// Room for one event in one process.
  struct Reservation: Sendable {
    let process: Int
    /// Of all that were ever given.
    let number: Int
  }

  struct Waiter: Sendable {
    let id: Int
    let continuation: CheckedContinuation<Reservation, any Error>
  }

  struct Event: Sendable {
    let logger: Logger
    /// Gets whether the process has seen the event.
    let continuation: CheckedContinuation<Bool, any Error>
  }

  private struct Entry: Sendable {
    let process: PooledProcess
    var events: [String: Event] = [:]
    /// Of the event that was answered last.
    var lastLogger: Logger?
    /// Places that were given, and whose events are not here yet.
    var promised = 0
    /// It has said so, or has answered.
    var isReady = false
    /// It has answered for an event.
    var hasAnswered = false
    /// It is being ended, and is handed nothing more.
    var isRetired = false

    var load: Int { events.count + promised }
  }

  /// How long none is started after the last of several processes has ended before it was ready or had answered, unless a check
  /// finds one that stays. Where none lives, events are refused meanwhile.
  private static let rest = Backoff(base: .seconds(1), factor: 2, max: .seconds(30), jitter: .none)
  /// How many of them make a program that does not run.
  private static let limit = 2

  private let processes: Int
  private let concurrency: Int
  private var entries: [Int: Entry] = [:]
  private var waiting: [Waiter] = []
  private var lastID = 0
  /// Processes in a row that have ended before they were ready.
  private var failedStarts = 0
  /// Processes in a row that were ready, and have ended without an outcome. They are none of ``failedStarts``: where one event
  /// alone ends them, the program is healthy, and the event is settled by its route's policy.
  private var fruitlessRuns = 0
  private var lastFailure = ""
  private var restsUntil: ContinuousClock.Instant?

  /// To be done outside the lock.
  var effects: [@Sendable () -> Void] = []
  /// To be run.
  var starts: [PooledProcess] = []

  init(processes: Int, concurrency: Int) {
    self.processes = processes
    self.concurrency = concurrency
  }

  mutating func nextID() -> Int {
    lastID += 1
    return lastID
  }

  // MARK: Places

  mutating func wait(_ waiter: Waiter, at now: ContinuousClock.Instant) {
    waiting.append(waiter)
    givePlaces(at: now)
  }

  mutating func stopWaiting(_ id: Int) {
    guard let index = waiting.firstIndex(where: { $0.id == id }) else { return }
    let waiter = waiting.remove(at: index)
    effects.append { waiter.continuation.resume(throwing: CancellationError()) }
  }

  private mutating func givePlaces(at now: ContinuousClock.Instant) {
    if rests(at: now), !entries.values.contains(where: { !$0.isRetired }) { return refuseAll() }
    while !waiting.isEmpty, let number = processWithRoom() ?? startIfThereMayBe(at: now) {
      let waiter = waiting.removeFirst()
      let reservation = Reservation(process: number, number: nextID())
      entries[number]?.promised += 1
      effects.append { waiter.continuation.resume(returning: reservation) }
    }
  }

  private mutating func refuseAll() {
    let refused = waiting
    waiting = []
    let phase = failedStarts >= Self.limit ? "is ready" : "has answered"
    let error = EventError(.unavailable, "the program keeps ending before it \(phase): \(lastFailure)")
    effects.append { for waiter in refused { waiter.continuation.resume(throwing: error) } }
  }

  /// The one with the least to do, and of those one that is ready.
  private func processWithRoom() -> Int? {
    entries.filter { !$0.value.isRetired && $0.value.load < concurrency }
      .min { ($0.value.load, $0.value.isReady ? 0 : 1, $0.key) < ($1.value.load, $1.value.isReady ? 0 : 1, $1.key) }?
      .key
  }

  /// While the program rests, those that live have to do: each answer of theirs gives a place. After that, one shows whether it stays.
  private mutating func startIfThereMayBe(at now: ContinuousClock.Instant) -> Int? {
    // One that is being ended may take for ever, where what it has started keeps its output open.
    let living = entries.values.filter { !$0.isRetired }
    guard living.count < processes, !rests(at: now), !keepsEnding || living.allSatisfy(\.isReady) else { return nil }
    return start()
  }

  private var keepsEnding: Bool { max(failedStarts, fruitlessRuns) >= Self.limit }

  private func rests(at now: ContinuousClock.Instant) -> Bool {
    keepsEnding && restsUntil.map { now < $0 } ?? false
  }

  private mutating func start() -> Int {
    let process = PooledProcess(number: nextID())
    entries[process.number] = Entry(process: process)
    starts.append(process)
    return process.number
  }

  // MARK: Events

  /// Of a reservation that nothing came to.
  mutating func release(_ reservation: Reservation, at now: ContinuousClock.Instant) {
    entries[reservation.process]?.promised -= 1
    givePlaces(at: now)
  }

  mutating func hand(
    _ event: Event, _ line: [UInt8], _ id: String, to reservation: Reservation, isCancelled: Bool,
    at now: ContinuousClock.Instant
  ) {
    guard let entry = entries[reservation.process], !entry.isRetired else {
      return effects.append { event.continuation.resume(returning: false) }
    }
    entries[reservation.process]?.promised -= 1
    guard !isCancelled else {
      givePlaces(at: now)
      return effects.append { event.continuation.resume(throwing: CancellationError()) }
    }
    entries[reservation.process]?.events[id] = event
    // Under the lock, so that they are written in the order in which they were handed over.
    entry.process.requestQueue.yield(line)
  }

  /// Nobody waits for the event any more, so its process hangs, or does what is in vain.
  mutating func abandon(_ id: String, on number: Int) {
    guard let event = entries[number]?.events.removeValue(forKey: id) else { return }
    effects.append { event.continuation.resume(throwing: CancellationError()) }
    entries[number]?.process.stopQueue.yield(.hangs)
    retire(number)
  }

  /// - Returns: false where it answers for an event that it does not have.
  mutating func take(_ answer: ProcessAnswer, from number: Int, at now: ContinuousClock.Instant) -> Bool {
    guard var entry = entries[number] else { return true }
    // What one does that has lived for long says nothing of those that start now.
    if !entry.isReady { failedStarts = 0 }
    entry.isReady = true
    defer { givePlaces(at: now) }
    guard case .outcome(let id, let failure) = answer else {
      entries[number] = entry
      return true
    }
    if !entry.hasAnswered { fruitlessRuns = 0 }
    entry.hasAnswered = true
    let event = entry.events.removeValue(forKey: id)
    entry.lastLogger = event?.logger
    entries[number] = entry
    // One that is being ended may answer for what nobody waits for.
    guard let event else { return entry.isRetired }
    effects.append {
      if let failure {
        event.continuation.resume(throwing: failure)
      } else {
        event.continuation.resume(returning: true)
      }
    }
    return true
  }

  // MARK: Processes

  mutating func retire(_ number: Int) {
    entries[number]?.isRetired = true
    entries[number]?.process.requestQueue.finish()
    entries[number]?.process.stopQueue.finish()
  }

  /// - Parameter isMeant: Whether the worker has ended it.
  /// - Returns: how many events it had in flight.
  mutating func ended(
    _ number: Int, _ reason: String, isMeant: Bool, program: String, at now: ContinuousClock.Instant
  ) -> Int {
    guard let entry = entries.removeValue(forKey: number) else { return 0 }
    if !isMeant, !entry.hasAnswered {
      if entry.isReady { fruitlessRuns += 1 } else { failedStarts += 1 }
      lastFailure = reason
      restsUntil = now + Self.rest.delay(afterAttempt: max(failedStarts, fruitlessRuns) - 1, random: 0)
    }
    let error = EventError(.unavailable, "a process of \(program) has ended before it answered: \(reason)")
    effects.append { for event in entry.events.values { event.continuation.resume(throwing: error) } }
    givePlaces(at: now)
    return entry.events.count
  }

  /// The logger of the event that a process writes about, as far as that can be told: of the only one in flight; where there
  /// is none, of the last one, for what it wrote before its answer can be read after that.
  func logger(of number: Int) -> Logger? {
    guard let entry = entries[number], entry.events.count <= 1 else { return nil }
    return entry.events.first?.value.logger ?? (concurrency == 1 ? entry.lastLogger : nil)
  }

  // MARK: Health

  /// Starts a process to see whether it stays, where the last ones have not.
  ///
  /// - Returns: nil where there is nothing to see, or one lives.
  mutating func startAnew() -> Int? {
    let lives = entries.values.contains { $0.isReady && !$0.isRetired }
    guard failedStarts >= Self.limit, !lives else { return nil }
    return entries.first { !$0.value.isRetired && !$0.value.isReady }?.key ?? start()
  }

  func isStarting(_ number: Int) -> Bool {
    entries[number].map { !$0.isReady && !$0.isRetired } ?? false
  }

  /// - Returns: what is wrong; nil where the process runs.
  mutating func judge(_ number: Int) -> String? {
    guard let entry = entries[number], !entry.isRetired else { return lastFailure }
    failedStarts = 0
    return nil
  }
}
