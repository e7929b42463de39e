import Tracing

/// Gathers the events of a route into batches for their handler.
///
/// What comes during a call makes the next batch, so that batches grow with the load, and no window delays an event that
/// comes alone. The first event of a batch leads it: its task makes the call and waits for the end, gives the others
/// their outcomes, and passes the lead on.
final class EventBatcher<Event: Decodable & Sendable>: Sendable {
  private typealias Outcome = Result<Void, any Error>

  private struct Member: Sendable {
    let id: Int
    let delivery: EventDelivery<Event>
    let turn: CheckedContinuation<Turn, any Error>
  }

  /// What an event waits for.
  private enum Turn: Sendable {
    case leads([Member])
    case isHandled(Outcome)
  }

  private struct Call {
    /// Who is not cancelled.
    var awaitedBy: Set<Int>
    /// Nil until its leader has begun.
    var task: Task<[Outcome], Never>?
  }

  private struct State {
    var nextID = 0
    /// In the order in which they came.
    var waiting: [Member] = []
    /// The one that is under way.
    var call: Call?

    /// Makes a batch of those that wait, where some do and no call is under way.
    mutating func begin(limit: Int) -> [Member]? {
      guard call == nil, !waiting.isEmpty else { return nil }
      let batch = Array(waiting.prefix(limit))
      waiting.removeFirst(batch.count)
      call = Call(awaitedBy: Set(batch.map(\.id)))
      return batch
    }
  }

  private let handler: any BatchEventHandler<Event>
  private let limit: Int
  private let state = Locked(State())

  init(_ handler: any BatchEventHandler<Event>) {
    precondition(handler.batchLimit > 0, "\(type(of: handler)).batchLimit is \(handler.batchLimit); make it at least 1")
    self.handler = handler
    limit = handler.batchLimit
  }

  /// Has an event handled, in a batch with others where others come.
  ///
  /// - Throws: what its outcome is; `CancellationError` when it is cancelled before its call begins.
  func handle(_ delivery: EventDelivery<Event>) async throws {
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    try await withTaskCancellationHandler {
      switch try await turn(of: delivery, id) {
      case .leads(let batch): try await lead(batch).get()
      case .isHandled(let outcome): try outcome.get()
      }
    } onCancel: {
      cancel(id)
    }
  }

  /// How many events wait for the call that is under way to end.
  var waitingCount: Int { state.withLock { $0.waiting.count } }

  private func turn(of delivery: EventDelivery<Event>, _ id: Int) async throws -> Turn {
    try await withCheckedThrowingContinuation { turn in
      let (isCancelled, batch) = state.withLock { state -> (Bool, [Member]?) in
        // Seen here, or else by `cancel`, which comes for this lock after us.
        guard !Task.isCancelled else { return (true, nil) }
        state.waiting.append(Member(id: id, delivery: delivery, turn: turn))
        return (false, state.begin(limit: limit))
      }
      if isCancelled { turn.resume(throwing: CancellationError()) }
      pass(batch)
    }
  }

  /// Makes the call in a task of its own, which a cancelled leader waits for like the others.
  private func lead(_ batch: [Member]) async -> Outcome {
    let call = state.withLock { state in
      let task = Task { await self.outcomes(of: batch.map(\.delivery)) }
      state.call?.task = task
      if state.call?.awaitedBy.isEmpty == true { task.cancel() }
      return task
    }
    let outcomes = await call.value
    pass(
      state.withLock { state in
        state.call = nil
        return state.begin(limit: limit)
      })
    for (member, outcome) in zip(batch, outcomes).dropFirst() {
      member.turn.resume(returning: .isHandled(outcome))
    }
    return outcomes[0]
  }

  private func pass(_ batch: [Member]?) {
    guard let batch else { return }
    batch[0].turn.resume(returning: .leads(batch))
  }

  private func cancel(_ id: Int) {
    let waiter = state.withLock { state -> Member? in
      if let index = state.waiting.firstIndex(where: { $0.id == id }) { return state.waiting.remove(at: index) }
      if state.call?.awaitedBy.remove(id) != nil, state.call?.awaitedBy.isEmpty == true { state.call?.task?.cancel() }
      return nil
    }
    waiter?.turn.resume(throwing: CancellationError())
  }

  private func outcomes(of batch: [EventDelivery<Event>]) async -> [Outcome] {
    do {
      // The task is the leader's, and so is the span that it is in.
      guard batch.count > 1 else { return try await handler.outcomes(of: batch) }
      return try await withSpan("handle_batch", context: .topLevel) { span in
        span.attributes["worker.route"] = batch[0].context.eventType
        span.attributes["messaging.batch.message_count"] = batch.count
        for delivery in batch where !delivery.traceContext.isEmpty {
          span.addLink(SpanLink(context: delivery.traceContext, attributes: [:]))
        }
        return try await handler.outcomes(of: batch)
      }
    } catch {
      return batch.map { _ in .failure(error) }
    }
  }
}
