import Tracing
import WorkerLocks

/// Collects the events of a route into batches for their handler.
///
/// Events that arrive during a call form the next batch, so batches grow with the load, and a single event is never
/// delayed. The first event of a batch is its leader: the leader's task makes the call, waits for its end, passes the
/// outcomes to the other events, and resumes the leader of the next batch.
final class EventBatcher<Event: Decodable & Sendable>: Sendable {
  private typealias Outcome = Result<Void, any Error>

  private struct Member: Sendable {
    let id: Int
    let delivery: EventDelivery<Event>
    let turn: CheckedContinuation<Turn, any Error>
  }

  /// What an event is resumed with.
  private enum Turn: Sendable {
    case leads([Member])
    case isHandled(Outcome)
  }

  private struct Call {
    /// The ids of the events that are not cancelled.
    var awaitedBy: Set<Int>
    /// nil until the leader has started the call.
    var task: Task<[Outcome], Never>?
  }

  private struct State {
    var nextID = 0
    /// The waiting events in order of arrival.
    var waiting: [Member] = []
    /// The running call.
    var call: Call?

    /// Forms a batch of waiting events. Returns nil if there are none, or while a call is running.
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
  private let state = Mutex(State())

  init(_ handler: any BatchEventHandler<Event>) {
    precondition(handler.batchLimit > 0, "\(type(of: handler)).batchLimit is \(handler.batchLimit); make it at least 1")
    self.handler = handler
    limit = handler.batchLimit
  }

  /// Handles an event, in a batch with other events if some are waiting.
  ///
  /// - Throws: The error of the event's outcome; `CancellationError` if the event is cancelled before its call starts.
  func handle(_ delivery: EventDelivery<Event>) async throws {
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    try await withTaskCancellationHandler {
      let outcome: Outcome
      switch try await turn(of: delivery, id) {
      case .leads(let batch): outcome = await lead(batch)
      case .isHandled(let handled): outcome = handled
      }
      try Self.standing(outcome).get()
    } onCancel: {
      cancel(id)
    }
  }

  /// Preserves the outcome of an event that was cancelled during its call. An unclassified error becomes an
  /// ``EventError``, so that it is not mistaken for the cancellation.
  private static func standing(_ outcome: Outcome) -> Outcome {
    guard case .failure(let error) = outcome, Task.isCancelled, !(error is CancellationError),
      !(error is any ClassifiedError)
    else { return outcome }
    return .failure(EventError(.unexpected, String(describing: error), cause: error))
  }

  /// The number of events that wait for the running call to end.
  var waitingCount: Int { state.withLock { $0.waiting.count } }

  private func turn(of delivery: EventDelivery<Event>, _ id: Int) async throws -> Turn {
    try await withCheckedThrowingContinuation { turn in
      let (isCancelled, batch) = state.withLock { state -> (Bool, [Member]?) in
        // A cancellation is detected here or by `cancel`, which takes this lock afterwards.
        guard !Task.isCancelled else { return (true, nil) }
        state.waiting.append(Member(id: id, delivery: delivery, turn: turn))
        return (false, state.begin(limit: limit))
      }
      if isCancelled { turn.resume(throwing: CancellationError()) }
      pass(batch)
    }
  }

  /// Makes the call in a task of its own, so that a cancelled leader waits for it as the other events do.
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
      // The task belongs to the leader, so its current span is the span of the only event.
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
