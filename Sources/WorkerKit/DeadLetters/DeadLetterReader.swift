package import Foundation

/// Looks through a dead-letter queue, and gives back all that was not deleted.
///
/// SQS cannot page: what is to be seen has to be received, and is hidden from everyone until it is given back. So the
/// letters that were looked at are held to the end, and then made visible again: also when the reading fails, and when
/// its task is cancelled. Only what a killed process held stays hidden until ``holdTime`` is over.
package struct DeadLetterReader: Sendable {
  /// Why reading ended.
  package enum End: Sendable {
    /// Nothing more could be received.
    case everything
    /// As many letters as were asked for had been found.
    case found
    case cancelled
    /// What was held became visible again: the reading has taken longer than ``holdTime``.
    case tookTooLong
    /// SQS lets no more messages be held at once.
    case tooManyHeld
    case failed(any Error)
  }

  /// What came of it.
  package struct Visit: Sendable {
    package var lookedAt = 0
    package var matched = 0
    /// Letters that could not be made visible again; they come back when ``holdTime`` is over.
    package var notGivenBack = 0
    package var end = End.everything
  }

  /// How long letters are held at most. SQS holds 120,000 messages at once, and five minutes suffice to receive them.
  package static let holdTime = Duration.seconds(300)

  private let queue: any MessageQueue
  private let filter: DeadLetterFilter
  private let limit: Int?
  private let now: Date
  private let clock: WorkerClock

  /// - Parameters:
  ///   - queue: The dead-letter queue.
  ///   - limit: How many letters are wanted; all, where it is nil.
  ///   - now: What ages are counted from.
  package init(
    _ queue: any MessageQueue, filter: DeadLetterFilter = .init(), limit: Int? = nil, now: Date = Date(),
    clock: WorkerClock = .continuous
  ) {
    self.queue = queue
    self.filter = filter
    self.limit = limit
    self.now = now
    self.clock = clock
  }

  /// - Parameters:
  ///   - onProgress: Called after each receive with how many letters were looked at.
  ///   - visit: Called for each receive with the letters that match, which may be none. Returns the ids of those that
  ///     it deleted; what it throws ends the reading.
  package func read(
    onProgress: (Int) -> Void = { _ in }, _ visit: ([DeadLetter]) async throws -> Set<String>
  ) async -> Visit {
    var result = Visit()
    // Receipt handles by id: of a letter that came twice, the latest.
    var held: [String: String] = [:]
    do {
      result.end = try await read(into: &result, &held, onProgress, visit)
    } catch is CancellationError {
      result.end = .cancelled
    } catch let error as QueueError where error.code.shortName == "OverLimit" {
      result.end = .tooManyHeld
    } catch {
      result.end = .failed(error)
    }
    result.notGivenBack = await giveBack(Array(held.values))
    return result
  }

  private func read(
    into result: inout Visit, _ held: inout [String: String], _ onProgress: (Int) -> Void,
    _ visit: ([DeadLetter]) async throws -> Set<String>
  ) async throws -> End {
    var sought = filter.ids
    while true {
      let wanted = limit.map { $0 - result.matched } ?? .max
      guard wanted > 0 else { return .found }
      try Task.checkCancellation()
      let messages = try await receive(atMost: filter.isEmpty ? min(10, wanted) : 10)
      guard !messages.isEmpty else { return .everything }
      let fresh = messages.filter { held.updateValue($0.receiptHandle, forKey: $0.id) == nil }
      guard !fresh.isEmpty else { return .tookTooLong }
      result.lookedAt += fresh.count
      onProgress(result.lookedAt)
      let letters = fresh.map { DeadLetter($0) }.filter { filter.matches($0, at: now) }.prefix(wanted)
      result.matched += letters.count
      for id in try await visit(Array(letters)) { held[id] = nil }
      sought.subtract(letters.map(\.id))
      if sought.isEmpty, !filter.ids.isEmpty { return .found }
    }
  }

  /// Not cut off by cancellation: a message that is handed out for a receive nobody reads is hidden and not known. A
  /// second suffices for SQS to ask all its servers.
  private func receive(atMost count: Int) async throws -> [ReceivedMessage] {
    try await shieldedFromCancellation { [queue] in
      await Result {
        try await queue.receive(maxMessages: count, waitTime: .seconds(1), visibilityTimeout: Self.holdTime)
      }
    }.get()
  }

  private func giveBack(_ handles: [String]) async -> Int {
    let changes = handles.map { VisibilityChange(receiptHandle: $0, timeout: .zero) }
    return await shieldedFromCancellation { [queue, clock] in
      var failed = 0
      for start in stride(from: 0, to: changes.count, by: 10) {
        let results = await insist(Array(changes[start..<min(start + 10, changes.count)]), clock: clock) {
          try await queue.changeVisibility($0)
        }
        failed += results.count {
          // Who has lost the lease holds nothing any more.
          if case .failure(let error) = $0 { !error.isLeaseLost } else { false }
        }
      }
      return failed
    }
  }
}

extension Result where Failure == any Error {
  fileprivate init(catching body: () async throws -> Success) async {
    do { self = .success(try await body()) } catch { self = .failure(error) }
  }
}

/// Calls a batch operation, up to three times for those of its entries that fail and may yet succeed.
func insist<Entry: Sendable>(
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
