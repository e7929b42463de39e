import Foundation
import WorkerKit
import WorkerLocks

/// The dead letters of one queue: the latest list of them, and whose turn it is. Whatever receives dead letters waits for its
/// turn, so that two operators do not hide messages from each other.
final class DeadLetterInventory: Sendable {
  struct State: Sendable {
    var snapshot: DeadLetterSnapshot?
    /// How many dead letters the refresh under way has received; nil when none is under way.
    var progress: Int?
    /// Why the last refresh failed.
    var problem: String?
    /// The dead-letter queue has a redrive policy of its own, by which a receive can move a message on.
    var danger: String?
  }

  let queue: any MessageQueue
  private let work: BackgroundWork
  private let limits: ConsoleLimits
  private let state = AsyncValue(State())
  private let turns = AsyncSemaphore(1)

  init(_ queue: any MessageQueue, work: BackgroundWork, limits: ConsoleLimits) {
    self.limits = limits
    self.queue = queue
    self.work = work
  }

  var current: State { state.value }
  /// How many wait for their turn or have it.
  var waiting: Int { turns.count }

  /// Begins a refresh, unless one is under way.
  ///
  /// - Parameter despiteRedrivePolicy: Whether dead letters may move on by it.
  /// - Returns: Whether this call began one.
  func refresh(despiteRedrivePolicy: Bool = false) -> Bool {
    let begins = state.update { state in
      guard state.progress == nil else { return false }
      state.progress = 0
      state.problem = nil
      state.danger = nil
      return true
    }
    guard begins else { return false }
    work.begin { [self] in
      do {
        try await inTurn { try await self.readAll(despiteRedrivePolicy) }
      } catch {
        state.update { $0.problem = error is CancellationError ? "the worker stops" : "\(error)" }
      }
      state.update { $0.progress = nil }
    }
    return true
  }

  /// Waits until the refresh under way ends, for a limited time.
  func untilRefreshed(within limit: Duration) async {
    _ = await WorkerClock.continuous.isMet(within: limit) { try await self.state.wait { $0.progress == nil } }
  }

  func forget(_ ids: Set<String>) {
    state.update { $0.snapshot?.remove(ids) }
  }

  /// Runs what receives dead letters, when nobody else does.
  func inTurn<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
    try await turns.run(body)
  }

  /// The dead-letter queue.
  ///
  /// - Throws: where there is none.
  func deadLetterQueue() async throws -> any MessageQueue {
    guard let deadLetters = try await queue.deadLetterQueue() else {
      throw ConsoleError.conflict(
        "The queue \(queue.name) has no dead-letter queue: what cannot be handled stays on it. Give it a redrive policy."
      )
    }
    return deadLetters
  }

  private func readAll(_ despiteRedrivePolicy: Bool) async throws {
    let deadLetters = try await deadLetterQueue()
    let attributes = try await deadLetters.attributes()
    if let policy = attributes.redrivePolicy, !despiteRedrivePolicy {
      let danger = """
        \(deadLetters.name) has a redrive policy of its own: a message that was received \(policy.maxReceiveCount) times, by \
        this list too, moves on
        """
      state.update { $0.danger = danger }
      return
    }
    let snapshot = Mutex(
      DeadLetterSnapshot(queue: queue.name, deadLetterQueue: deadLetters.name, memoryLimit: limits.bodies))
    var filter = DeadLetterFilter()
    filter.queue = queue.name
    // By the queue's clock, which tells the second that has passed.
    let end = (attributes.answeredAt ?? Date()).addingTimeInterval(2)
    let visit = await DeadLetterReader(deadLetters, filter: filter, expected: attributes.visibleMessages, until: end)
      .read(
        onProgress: { count in state.update { $0.progress = count } },
        { found in
          snapshot.withLock { $0.add(found) }
          return []
        })
    var result = snapshot.withLock { $0 }
    result.finish(visit, attributes, isFIFO: deadLetters.isFIFO)
    if case .failed(let error) = visit.end, visit.received == 0 { throw error }
    state.update { [result] in $0.snapshot = result }
  }

  /// Returns a dead letter with its body; nil if the list did not keep that.
  ///
  /// - Throws: A `ConsoleError` if the list has no such dead letter.
  func kept(_ id: String) throws -> DeadLetter? {
    guard let seen = state.read({ $0.snapshot?.deadLetters.first { $0.id == id } }) else {
      throw ConsoleError.notFound(
        "The list has no dead letter with this id. It is gone, or newer than the list: refresh the list.")
    }
    return seen.deadLetter
  }

  /// Receives a dead letter of which the list did not keep the body.
  ///
  /// - Throws: A `ConsoleError` if it is in flight elsewhere, or if receiving it takes too long.
  func received(_ id: String) async throws -> DeadLetter {
    let found = Mutex<Result<DeadLetter?, any Error>?>(nil)
    _ = await WorkerClock.continuous.isMet(within: limits.receive) { [self] in
      do {
        // It may have to read many, which is no work for the thread that keeps leases.
        let deadLetter = try await withTaskExecutorPreference(globalConcurrentExecutor) {
          try await inTurn { try await receive(id) }
        }
        found.withLock { $0 = .success(deadLetter) }
      } catch is CancellationError {
      } catch {
        found.withLock { $0 = .failure(error) }
      }
    }
    guard let result = found.withLock({ $0 }) else {
      throw ConsoleError.busy("Other work with the dead letters takes its time. Try again later.", retryAfter: 10)
    }
    guard let deadLetter = try result.get() else {
      throw ConsoleError.notFound("The dead letter is in flight elsewhere, or gone. Try again later.")
    }
    return deadLetter
  }

  private func receive(_ id: String) async throws -> DeadLetter? {
    let found = Mutex<DeadLetter?>(nil)
    var filter = DeadLetterFilter()
    filter.queue = queue.name
    filter.ids = [id]
    filter.deadLetterIDs = [id]
    let visit = await DeadLetterReader(try await deadLetterQueue(), filter: filter, limit: 1).read { deadLetters in
      found.withLock { $0 = deadLetters.first ?? $0 }
      return []
    }
    if case .failed(let error) = visit.end { throw error }
    if case .cancelled = visit.end { throw CancellationError() }
    return found.withLock { $0 }
  }
}
