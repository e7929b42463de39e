/// Gathers single requests into the batches of ten that SQS takes.
///
/// The first request of a batch opens a short window; the call is made when the window closes or the batch is full.
/// Everyone who put a request in waits for the same call, so none outlives its callers, and a cancelled caller cannot
/// cut it off for the others.
final class Batcher<Entry: Sendable>: Sendable {
  typealias Outcome = Result<Void, QueueError>

  private final class Batch: Sendable {
    let entries = Locked<[Entry]>([])
    let window: Task<Void, Never>

    init(window: Task<Void, Never>) {
      self.window = window
    }
  }

  /// The batch that still takes entries, and the call that it waits for.
  private struct Open {
    var batch: Batch
    var outcomes: Task<[Outcome], Never>
  }

  private let limit: Int
  private let window: Duration
  private let clock: WorkerClock
  private let call: @Sendable ([Entry]) async throws -> [Outcome]
  private let open = Locked<Open?>(nil)

  /// - Parameters:
  ///   - limit: How many entries make a batch full.
  ///   - window: How long the first entry waits for others.
  ///   - call: Answers one outcome for each entry, in order; what it throws is every entry's outcome.
  init(
    limit: Int = 10,
    window: Duration,
    clock: WorkerClock,
    call: @escaping @Sendable ([Entry]) async throws -> [Outcome]
  ) {
    self.limit = limit
    self.window = window
    self.clock = clock
    self.call = call
  }

  /// Puts a request into the next batch, and waits for its own outcome.
  func submit(_ entry: Entry) async -> Outcome {
    let (index, outcomes) = open.withLock { open in
      let current = open ?? start()
      let index = current.batch.entries.withLock { entries in
        entries.append(entry)
        return entries.count - 1
      }
      if index + 1 == limit {
        open = nil
        current.batch.window.cancel()
      } else {
        open = current
      }
      return (index, current.outcomes)
    }
    return await outcomes.value[index]
  }

  /// How many entries wait for their call.
  var openCount: Int {
    open.withLock { open in open?.batch.entries.withLock { $0.count } ?? 0 }
  }

  private func start() -> Open {
    let batch = Batch(
      window: Task { [clock, window] in
        // Cancelled when the batch is full: then there is nothing left to wait for.
        _ = try? await clock.sleep(for: window)
      })
    let outcomes = Task {
      await batch.window.value
      self.close(batch)
      return await self.send(batch.entries.withLock { $0 })
    }
    return Open(batch: batch, outcomes: outcomes)
  }

  private func close(_ batch: Batch) {
    open.withLock { open in
      if open?.batch === batch {
        open = nil
      }
    }
  }

  private func send(_ entries: [Entry]) async -> [Outcome] {
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

extension QueueError {
  /// A failure of a whole call as the failure of each of its entries.
  init(wrapping error: any Error) {
    self =
      error as? QueueError
      ?? QueueError(
        code: .connection, kind: (error as? any ClassifiedError)?.kind ?? .unexpected, message: "\(error)")
  }
}
