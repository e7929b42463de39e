package import Foundation

/// What became of one letter that was to be redriven or discarded.
package struct LetterOutcome: Sendable {
  package enum Result: Sendable {
    /// Nothing was done: it was only to be said what would be.
    case planned
    /// - newID: of the message in the queue.
    case redriven(newID: String)
    /// It is in its queue, and also still here.
    case notDeleted(newID: String, QueueError)
    case discarded
    case left(reason: String)
    /// Its event was redriven a moment ago, and this is the letter that came of it, or a copy of the first.
    case cameBack
  }

  package var id: String
  package var originalMessageID: String
  package var route: String?
  package var kind: String?
  package var result: Result

  init(_ letter: DeadLetter, _ result: Result) {
    id = letter.id
    originalMessageID = letter.originalMessageID
    route = letter.route
    kind = letter.kind
    self.result = result
  }

  /// Whether the letter is not in the dead-letter queue any more.
  package var isGone: Bool {
    switch result {
    case .redriven, .discarded: true
    case .planned, .notDeleted, .left, .cameBack: false
    }
  }

  package var isPlanned: Bool { if case .planned = result { true } else { false } }
}

/// Sends letters back to their queue, or deletes them, as they are read.
package struct DeadLetterAction: Sendable {
  package enum Purpose: Sendable {
    case redrive(to: any MessageQueue)
    case discard
  }

  private struct Event: Hashable {
    var type: String?
    var key: String
  }

  private let purpose: Purpose
  private let letters: any MessageQueue
  private let isDryRun: Bool
  private let now: Date
  private let clock: WorkerClock
  private var redriven: Set<Event> = []
  package private(set) var outcomes: [LetterOutcome] = []

  /// - Parameter letters: The dead-letter queue.
  package init(
    _ purpose: Purpose, from letters: any MessageQueue, isDryRun: Bool = false, now: Date = Date(),
    clock: WorkerClock = .continuous
  ) {
    self.purpose = purpose
    self.letters = letters
    self.isDryRun = isDryRun
    self.now = now
    self.clock = clock
  }

  /// What was begun for these letters is finished, whether the task is cancelled or not.
  ///
  /// - Parameter batch: Ten at most.
  /// - Returns: the ids of those that are gone.
  /// - Throws: where it is no use to go on; the outcomes have the letters all the same.
  package mutating func callAsFunction(_ batch: [DeadLetter]) async throws -> Set<String> {
    guard !batch.isEmpty else { return [] }
    let first = outcomes.count
    switch purpose {
    case .discard where isDryRun: outcomes += batch.map { LetterOutcome($0, .planned) }
    case .discard: outcomes += await discard(batch)
    case .redrive(let queue): try await redrive(batch, to: queue)
    }
    return Set(outcomes[first...].filter(\.isGone).map(\.id))
  }

  private func discard(_ batch: [DeadLetter]) async -> [LetterOutcome] {
    await zip(batch, delete(batch)).map { letter, result in
      switch result {
      case .success: LetterOutcome(letter, .discarded)
      case .failure(let error): LetterOutcome(letter, .left(reason: "it could not be deleted: \(error)"))
      }
    }
  }

  private mutating func redrive(_ batch: [DeadLetter], to queue: any MessageQueue) async throws {
    var messages: [(letter: DeadLetter, message: OutgoingMessage)] = []
    for letter in batch {
      // A running worker may send a letter back while this goes on, and that could go round for ever.
      let event = Event(type: letter.eventType, key: letter.idempotencyKey)
      guard isDryRun || redriven.insert(event).inserted else {
        outcomes.append(LetterOutcome(letter, .cameBack))
        continue
      }
      do {
        messages.append((letter, try letter.redriven(isFIFO: queue.isFIFO, at: now)))
      } catch {
        outcomes.append(LetterOutcome(letter, .left(reason: "\(error)")))
      }
    }
    if isDryRun {
      outcomes += messages.map { LetterOutcome($0.letter, .planned) }
      return
    }
    // One by one where order counts: after a failure nothing may overtake.
    let size = queue.isFIFO ? 1 : 10
    for start in stride(from: 0, to: messages.count, by: size) {
      let part = Array(messages[start..<min(start + size, messages.count)])
      let (done, failure) = await shieldedFromCancellation { [self] in await send(part, to: queue) }
      outcomes += done
      if let failure {
        outcomes += messages[(start + part.count)...].map {
          LetterOutcome($0.letter, .left(reason: "not tried any more"))
        }
        throw failure
      }
    }
  }

  /// Deletes a letter only when its message is in the queue.
  ///
  /// - Returns: also the error after which it is no use to go on.
  private func send(
    _ part: [(letter: DeadLetter, message: OutgoingMessage)], to queue: any MessageQueue
  ) async -> ([LetterOutcome], (any Error)?) {
    let results: [Result<String, QueueError>]
    do {
      results = try await queue.send(part.map(\.message))
    } catch {
      // It may be there for all that: then a second redrive brings a copy, which is granted once.
      return (part.map { LetterOutcome($0.letter, .left(reason: "it could not be sent: \(error)")) }, error)
    }
    var outcomes: [LetterOutcome] = []
    var sent: [(letter: DeadLetter, newID: String)] = []
    var failure: QueueError?
    for ((letter, _), result) in zip(part, results) {
      switch result {
      case .success(let id): sent.append((letter, id))
      case .failure(let error):
        outcomes.append(LetterOutcome(letter, .left(reason: "it could not be sent: \(error)")))
        failure = queue.isFIFO ? error : failure
      }
    }
    for ((letter, newID), result) in zip(sent, await delete(sent.map(\.letter))) {
      switch result {
      case .success: outcomes.append(LetterOutcome(letter, .redriven(newID: newID)))
      case .failure(let error): outcomes.append(LetterOutcome(letter, .notDeleted(newID: newID, error)))
      }
    }
    return (outcomes, failure)
  }

  private func delete(_ letters: [DeadLetter]) async -> [Result<Void, QueueError>] {
    let handles = letters.map(\.message.receiptHandle)
    return await shieldedFromCancellation { [queue = self.letters, clock] in
      await insist(handles, clock: clock) { try await queue.delete($0) }
    }
  }
}
