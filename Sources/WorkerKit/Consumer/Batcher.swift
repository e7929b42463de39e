import WorkerLocks

/// Gathers single requests into the batches of ten that SQS takes.
///
/// The first request of a batch opens a short window; the call is made when the window closes or the batch is full. A
/// call is nobody's own, so a cancelled caller cannot cut it off for the others. Calls are made on the worker's thread.
final class Batcher<Entry: Sendable>: Sendable {
  typealias Outcome = Result<Void, QueueError>

  private struct Request: Sendable {
    var entry: Entry
    var completion: @Sendable (Outcome) -> Void
  }

  /// The batch that still takes requests.
  private struct Open {
    var number = 0
    var requests: [Request] = []
    var deadline: TimerQueue.ID?
  }

  private let limit: Int
  private let window: Duration
  private let deadlines: TimerQueue
  private let call: @Sendable ([Entry]) async throws -> [Outcome]
  private let open = Mutex(Open())

  /// - Parameters:
  ///   - limit: How many entries make a batch full.
  ///   - window: How long the first entry waits for others.
  ///   - call: Answers one outcome for each entry, in order; what it throws is every entry's outcome.
  init(
    limit: Int = 10,
    window: Duration,
    deadlines: TimerQueue,
    call: @escaping @Sendable ([Entry]) async throws -> [Outcome]
  ) {
    self.limit = limit
    self.window = window
    self.deadlines = deadlines
    self.call = call
  }

  /// Puts a request into the next batch, and waits for its own outcome.
  func submit(_ entry: Entry) async -> Outcome {
    await withCheckedContinuation { caller in submit(entry) { caller.resume(returning: $0) } }
  }

  /// Puts a request into the next batch.
  ///
  /// - Parameter completion: Gets the request's own outcome, on the worker's thread. It must be quick.
  func submit(_ entry: Entry, completion: @escaping @Sendable (Outcome) -> Void) {
    let (number, count, full) = open.withLock { open in
      open.requests.append(Request(entry: entry, completion: completion))
      let (number, count) = (open.number, open.requests.count)
      return (number, count, count == limit ? close(&open) : nil)
    }
    if let full {
      send(full)
    } else if count == 1 {
      openWindow(number)
    }
  }

  /// How many entries wait for their call.
  var openCount: Int { open.withLock { $0.requests.count } }

  private func openWindow(_ number: Int) {
    guard window > .zero else {
      // Not here and now, so that what is ready to be put in still comes along.
      Task(executorPreference: WorkerThread.shared) { self.closeWindow(number) }
      return
    }
    let deadline = deadlines.set(after: window) { self.closeWindow(number) }
    let isFull = open.withLock { open in
      guard open.number == number else { return true }
      open.deadline = deadline
      return false
    }
    if isFull { deadlines.cancel(deadline) }
  }

  private func closeWindow(_ number: Int) {
    let requests = open.withLock { open in open.number == number ? close(&open) : [] }
    if !requests.isEmpty { send(requests) }
  }

  private func close(_ open: inout Open) -> [Request] {
    let requests = open.requests
    if let deadline = open.deadline { deadlines.cancel(deadline) }
    open = Open(number: open.number + 1)
    return requests
  }

  private func send(_ requests: [Request]) {
    // Whoever put a request in waits for its outcome, so the consumer does not end before it.
    Task(executorPreference: WorkerThread.shared) {
      let outcomes = await self.outcomes(of: requests.map(\.entry))
      for (request, outcome) in zip(requests, outcomes) { request.completion(outcome) }
    }
  }

  private func outcomes(of entries: [Entry]) async -> [Outcome] {
    do {
      let outcomes = try await call(entries)
      guard outcomes.count == entries.count else {
        throw QueueError(
          code: .invalidResponse, kind: .unavailable,
          message: "the queue answered \(outcomes.count) outcomes for \(entries.count) entries")
      }
      return outcomes
    } catch {
      return entries.map { _ in .failure(QueueError(wrapping: error)) }
    }
  }
}
