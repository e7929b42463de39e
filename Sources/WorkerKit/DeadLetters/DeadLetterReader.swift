package import Foundation

/// Reads a dead-letter queue, and makes all messages that were not deleted visible again.
///
/// SQS has no pagination: a message must be received to be read, and receiving hides it from everyone else. The reader
/// therefore holds the messages until the end and then makes them visible again, even if reading fails or the task is
/// cancelled. If the process is killed, the held messages stay invisible until ``holdTime`` is over.
package struct DeadLetterReader: Sendable {
  /// Why reading ended.
  package enum End: Sendable {
    /// Nothing more was received, or only messages that were sent after the reader's end date.
    case everything
    /// The limit was reached.
    case found
    case cancelled
    /// Reading took longer than ``holdTime``, so held messages became visible again.
    case tookTooLong
    /// SQS's limit for messages in flight was reached.
    case tooManyHeld
    case failed(any Error)
  }

  /// The result of reading.
  package struct Visit: Sendable {
    package var received = 0
    package var matched = 0
    /// The number of dead letters that were sent after the reader's end date.
    package var later = 0
    /// The number of dead letters that could not be made visible again. They stay invisible until ``holdTime`` is over.
    package var notGivenBack = 0
    /// The number of dead letters from queues other than the filter's, and some of their names.
    package var ofOtherQueues = 0
    package var otherQueues: Set<String> = []
    /// The error kinds of the queue's dead letters, up to a limit.
    package var kinds: Set<String> = []
    /// The routes of the queue's dead letters, up to a limit.
    package var routes: Set<String> = []
    package var end = End.everything

    fileprivate mutating func add(_ deadLetter: DeadLetter, _ filter: DeadLetterFilter) {
      received += 1
      guard filter.isOfQueue(deadLetter) else {
        ofOtherQueues += 1
        if let queue = deadLetter.queue { Self.add(queue, to: &otherQueues) }
        return
      }
      if let kind = deadLetter.kind { Self.add(kind, to: &kinds) }
      if let route = deadLetter.route { Self.add(route, to: &routes) }
    }

    /// A producer can invent any number of names of any length.
    private static func add(_ name: String, to names: inout Set<String>) {
      if names.count < 100, name.utf8.count <= 200 { names.insert(name) }
    }
  }

  /// How long messages are held at most. SQS allows 120,000 messages in flight, and five minutes suffice to receive
  /// them.
  package static let holdTime = Duration.seconds(300)

  /// How long a receive may still take after reading was cancelled.
  private static let answerGrace = Duration.seconds(3)
  /// The number of concurrent calls that make messages visible again.
  private static let callsAtOnce = 8
  /// How many receives are under way at once where there are many dead letters.
  private static let receivesAtOnce = 4
  /// How many receives in a row bring later dead letters alone before no other is expected: one can be a sample of the queue's
  /// servers, and new dead letters can come as fast as they are received.
  private static let laterReceives = 5

  private let queue: any MessageQueue
  private let filter: DeadLetterFilter
  private let limit: Int?
  private let expected: Int
  private let end: Date
  private let now: Date
  private let clock: WorkerClock

  /// Creates a reader.
  ///
  /// - Parameters:
  ///   - queue: The dead-letter queue.
  ///   - limit: How many dead letters are wanted; all, where it is nil.
  ///   - expected: About how many dead letters the queue has. Where that is many, several receives are under way at once; 0 for
  ///     one after the other, for callers that act on a few before more arrive.
  ///   - end: Dead letters that were sent later, by the queue's clock, are left: a queue that others fill would never be read to
  ///     its end.
  ///   - now: What ages are counted from.
  package init(
    _ queue: any MessageQueue, filter: DeadLetterFilter = .init(), limit: Int? = nil, expected: Int = 0,
    until end: Date = .distantFuture, now: Date = Date(), clock: WorkerClock = .continuous
  ) {
    self.expected = expected
    self.queue = queue
    self.filter = filter
    self.limit = limit
    self.end = end
    self.now = now
    self.clock = clock
  }

  /// Reads the queue.
  ///
  /// - Parameters:
  ///   - onProgress: Called after each receive with the number of messages read so far.
  ///   - onLater: Called with dead letters that were sent after the end date.
  ///   - visit: Called for each receive with the matching dead letters, possibly none. It returns the ids of those that
  ///     it deleted. If it throws, reading ends.
  package func read(
    onProgress: (Int) -> Void = { _ in }, onLater: ([DeadLetter]) -> Void = { _ in },
    _ visit: ([DeadLetter]) async throws -> Set<String>
  ) async -> Visit {
    var result = Visit()
    // Receipt handles by message id. If a message was received twice, the latest handle.
    var held: [String: String] = [:]
    do {
      result.end = try await read(into: &result, &held, onProgress, onLater, visit)
    } catch is CancellationError {
      result.end = .cancelled
    } catch let error as QueueError where error.code.shortName == "OverLimit" {
      result.end = .tooManyHeld
    } catch {
      result.end = .failed(error)
    }
    result.notGivenBack = await makeVisible(Array(held.values))
    return result
  }

  private func read(
    into result: inout Visit, _ held: inout [String: String], _ onProgress: (Int) -> Void,
    _ onLater: ([DeadLetter]) -> Void, _ visit: ([DeadLetter]) async throws -> Set<String>
  ) async throws -> End {
    var sought = filter.ids
    var laterReceives = 0
    while true {
      let wanted = limit.map { $0 - result.matched } ?? .max
      guard wanted > 0 else { return .found }
      try Task.checkCancellation()
      let received = await receiveSeveral(
        atOnce: limit == nil ? (expected - result.received) / 10 : 1,
        atMost: filter.isEmpty ? min(10, wanted) : 10)
      // All of them are held, whatever becomes of one.
      let batches = received.compactMap { try? $0.get() }.filter { !$0.isEmpty }.map { messages in
        messages.filter { held.updateValue($0.receiptHandle, forKey: $0.id) == nil }
      }
      for fresh in batches {
        guard !fresh.isEmpty else { return .tookTooLong }
        let seen = fresh.map { DeadLetter($0) }
        for deadLetter in seen { result.add(deadLetter, filter) }
        onProgress(result.received)
        let later = seen.filter { $0.message.sentAt.map { $0 > end } ?? false }
        result.later += later.count
        onLater(later)
        laterReceives = later.count == seen.count ? laterReceives + 1 : 0
        guard laterReceives < Self.laterReceives else { return .everything }
        let laterIDs = Set(later.map(\.id))
        let deadLetters = seen.filter { !laterIDs.contains($0.id) && filter.matches($0, at: now) }.prefix(wanted)
        result.matched += deadLetters.count
        for id in try await visit(Array(deadLetters)) { held[id] = nil }
        sought.subtract(deadLetters.map(\.id))
        if sought.isEmpty, !filter.ids.isEmpty { return .found }
      }
      for case .failure(let error) in received { throw error }
      guard !batches.isEmpty else { return .everything }
    }
  }

  private func receiveSeveral(atOnce count: Int, atMost most: Int) async -> [Result<[ReceivedMessage], any Error>] {
    await withTaskGroup(of: Result<[ReceivedMessage], any Error>.self) { group in
      for _ in 0..<min(max(1, count), Self.receivesAtOnce) {
        group.addTask {
          do { return .success(try await receive(atMost: most)) } catch { return .failure(error) }
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
  }

  /// Receives messages. Cancellation interrupts the call only if the queue does not respond: messages of an abandoned
  /// receive are hidden and unknown. A wait of one second suffices for SQS to query all its servers.
  private func receive(atMost count: Int) async throws -> [ReceivedMessage] {
    let call = Task(executorPreference: WorkerThread.shared) { [queue] in
      try await queue.receive(maxMessages: count, waitTime: .seconds(1), visibilityTimeout: Self.holdTime)
    }
    return try await withTaskCancellationHandler {
      try await call.value
    } onCancel: { [clock] in
      Task(executorPreference: WorkerThread.shared) {
        try? await clock.sleep(for: Self.answerGrace)
        call.cancel()
      }
    }
  }

  /// Makes messages visible again, with concurrent calls, because there may be as many as SQS allows in flight. If a
  /// whole call fails, no further calls are made.
  ///
  /// - Returns: The number of messages that could not be made visible.
  private func makeVisible(_ handles: [String]) async -> Int {
    await shieldedFromCancellation { [queue, clock] in
      await withTaskGroup(of: (given: Int, of: Int).self) { group in
        var rest = handles[...]
        var failed = 0
        var isAnswering = true
        func begin() {
          let batch = rest.prefix(10).map { VisibilityChange(receiptHandle: $0, timeout: .zero) }
          guard isAnswering, !batch.isEmpty else { return }
          rest = rest.dropFirst(batch.count)
          group.addTask {
            let results = await retrying(batch, clock: clock) { try await queue.changeVisibility($0) }
            let failed = results.count {
              // If its lease is lost, a message is no longer held.
              if case .failure(let error) = $0 { !error.isLeaseLost } else { false }
            }
            return (batch.count - failed, batch.count)
          }
        }
        for _ in 0..<Self.callsAtOnce { begin() }
        for await (given, count) in group {
          failed += count - given
          isAnswering = isAnswering && given > 0
          begin()
        }
        return failed + rest.count
      }
    }
  }
}

/// Calls a batch operation, and retries entries whose failure may be temporary, up to three attempts in total.
func retrying<Entry: Sendable>(
  _ entries: [Entry], clock: WorkerClock, _ call: ([Entry]) async throws -> [Result<Void, QueueError>]
) async -> [Result<Void, QueueError>] {
  let backoff = Backoff(base: .milliseconds(100), factor: 2, max: .seconds(1), jitter: .none)
  var results: [Result<Void, QueueError>?] = Array(repeating: nil, count: entries.count)
  for attempt in 1...3 {
    let open = entries.indices.filter { index in
      guard case .failure(let error) = results[index] else { return results[index] == nil }
      return !error.isLeaseLost
    }
    if open.isEmpty { break }
    if attempt > 1 { try? await clock.sleep(for: backoff.delay(afterAttempt: attempt - 1, random: 1)) }
    do {
      for (index, result) in zip(open, try await call(open.map { entries[$0] })) { results[index] = result }
    } catch {
      for index in open { results[index] = .failure(QueueError(wrapping: error)) }
    }
  }
  return results.map {
    $0 ?? .failure(QueueError(code: .invalidResponse, kind: .unavailable, message: "a batch's entry has no answer"))
  }
}
