package import Foundation

/// The outcome of redriving or discarding one dead letter.
package struct DeadLetterOutcome: Sendable {
  package enum Result: Sendable {
    /// A dry run: nothing was changed.
    case planned
    /// The message was sent to the source queue and deleted from the dead-letter queue.
    ///
    /// - Parameter newID: The id of the new message in the source queue.
    case redriven(newID: String)
    /// The message was sent to its queue, but is also still in the dead-letter queue.
    case notDeleted(newID: String, QueueError)
    case discarded
    case left(reason: String)
    /// The event was already redriven by this action. This dead letter resulted from that redrive, or is a copy of the
    /// first.
    case cameBack
  }

  package var id: String
  package var originalMessageID: String
  package var route: String?
  package var kind: String?
  package var result: Result
  /// Why the event will fail again; nil if unknown.
  package var prospect: String?
  /// See ``DeadLetter/isFirstIDClaimed``.
  package var isFirstIDClaimed: Bool

  init(_ deadLetter: DeadLetter, _ result: Result, prospect: String? = nil) {
    id = deadLetter.id
    originalMessageID = deadLetter.originalMessageID
    // A producer can choose names as long as a message.
    route = deadLetter.route.map { TerminalText.shortened($0, to: 200) }
    kind = deadLetter.kind.map { TerminalText.shortened($0, to: 200) }
    self.result = result
    self.prospect = prospect
    isFirstIDClaimed = deadLetter.isFirstIDClaimed
  }

  /// Whether the dead letter was removed from the dead-letter queue.
  package var isGone: Bool {
    switch result {
    case .redriven, .discarded: true
    case .planned, .notDeleted, .left, .cameBack: false
    }
  }

  package var hasComeBack: Bool { if case .cameBack = result { true } else { false } }

  package var isPlanned: Bool { if case .planned = result { true } else { false } }
}

/// Redrives dead letters to their queue, or deletes them, as they are read.
package struct DeadLetterAction: Sendable {
  package enum Purpose: Sendable {
    case redrive(to: any MessageQueue)
    case discard
  }

  /// The hash of an event's type and idempotency key. It is small, because the action remembers every redriven event.
  private struct Event: Hashable {
    let digest: [UInt8]

    init(_ deadLetter: DeadLetter) {
      // The length separates the type from the key unambiguously.
      let type = deadLetter.eventType.map { "\($0.utf8.count):\($0)" } ?? "-"
      digest = SHA256.digest("\(type)\(deadLetter.idempotencyKey)".utf8)
    }
  }

  private let purpose: Purpose
  private let deadLetters: any MessageQueue
  private let isDryRun: Bool
  private let now: Date
  private let clock: WorkerClock
  private let prospect: @Sendable (DeadLetter) -> String?
  private let edit: DeadLetterEdit?
  private var redriven: Set<Event> = []
  package private(set) var outcomes: [DeadLetterOutcome] = []

  /// Creates an action.
  ///
  /// - Parameters:
  ///   - deadLetters: The dead-letter queue.
  ///   - edit: What is sent in place of the dead letters' bodies; nil sends these unchanged.
  ///   - prospect: Returns why a redriven event will fail again; nil if unknown.
  package init(
    _ purpose: Purpose, from deadLetters: any MessageQueue, isDryRun: Bool = false, now: Date = Date(),
    clock: WorkerClock = .continuous, edit: DeadLetterEdit? = nil,
    prospect: @escaping @Sendable (DeadLetter) -> String? = { _ in nil }
  ) {
    self.edit = edit
    self.prospect = prospect
    self.purpose = purpose
    self.deadLetters = deadLetters
    self.isDryRun = isDryRun
    self.now = now
    self.clock = clock
  }

  /// Returns the outcomes since the last call, and removes them. Use it if memory must not grow with the number of
  /// outcomes.
  package mutating func takeOutcomes() -> [DeadLetterOutcome] {
    defer { outcomes = [] }
    return outcomes
  }

  /// Redrives or discards a batch. An operation that has started for a dead letter finishes even if the task is
  /// cancelled.
  ///
  /// - Parameter batch: At most ten dead letters.
  /// - Returns: The ids of the dead letters that were removed from the dead-letter queue.
  /// - Throws: The error after which the action cannot continue. The outcomes include the dead letters of this batch.
  package mutating func callAsFunction(_ batch: [DeadLetter]) async throws -> Set<String> {
    guard !batch.isEmpty else { return [] }
    let first = outcomes.count
    switch purpose {
    case .discard where isDryRun: outcomes += batch.map { DeadLetterOutcome($0, .planned) }
    case .discard: outcomes += await discard(batch)
    case .redrive(let queue): try await redrive(batch, to: queue)
    }
    return Set(outcomes[first...].filter(\.isGone).map(\.id))
  }

  /// Records dead letters that were sent after the action started, if their events were redriven by it.
  package mutating func recordLater(_ deadLetters: [DeadLetter]) {
    outcomes += deadLetters.filter { redriven.contains(Event($0)) }.map { DeadLetterOutcome($0, .cameBack) }
  }

  private func discard(_ batch: [DeadLetter]) async -> [DeadLetterOutcome] {
    await zip(batch, delete(batch)).map { deadLetter, result in
      switch result {
      case .success: DeadLetterOutcome(deadLetter, .discarded)
      case .failure(let error): DeadLetterOutcome(deadLetter, .left(reason: "it could not be deleted: \(error)"))
      }
    }
  }

  private mutating func redrive(_ batch: [DeadLetter], to queue: any MessageQueue) async throws {
    var messages: [(deadLetter: DeadLetter, message: OutgoingMessage)] = []
    for deadLetter in batch {
      // A running worker may dead-letter the event again during the action, which would otherwise loop forever.
      guard isDryRun || redriven.insert(Event(deadLetter)).inserted else {
        outcomes.append(DeadLetterOutcome(deadLetter, .cameBack))
        continue
      }
      do {
        messages.append((deadLetter, try deadLetter.outgoing(edit, isFIFO: queue.isFIFO, at: now)))
      } catch {
        outcomes.append(DeadLetterOutcome(deadLetter, .left(reason: "\(error)")))
      }
    }
    if isDryRun {
      outcomes += messages.map { DeadLetterOutcome($0.deadLetter, .planned, prospect: prospect($0.deadLetter)) }
      return
    }
    // A FIFO queue receives one message at a time: after a failure, no later message may overtake the failed one.
    let size = queue.isFIFO ? 1 : 10
    for start in stride(from: 0, to: messages.count, by: size) {
      let part = Array(messages[start..<min(start + size, messages.count)])
      let (done, failure) = await shieldedFromCancellation { [self] in await send(part, to: queue) }
      outcomes += done
      if let failure {
        outcomes += messages[(start + part.count)...].map {
          DeadLetterOutcome($0.deadLetter, .left(reason: "not tried any more"))
        }
        throw failure
      }
    }
  }

  /// Sends the messages, and deletes each dead letter whose message was sent.
  ///
  /// - Returns: The outcomes, and the error after which the action cannot continue.
  private func send(
    _ part: [(deadLetter: DeadLetter, message: OutgoingMessage)], to queue: any MessageQueue
  ) async -> ([DeadLetterOutcome], (any Error)?) {
    let results: [Result<String, QueueError>]
    do {
      results = try await queue.send(part.map(\.message))
    } catch {
      // The message may have been sent nevertheless. In that case a second redrive sends a copy, which is handled once.
      return (part.map { DeadLetterOutcome($0.deadLetter, .left(reason: "it could not be sent: \(error)")) }, error)
    }
    var outcomes: [DeadLetterOutcome] = []
    var sent: [(deadLetter: DeadLetter, newID: String)] = []
    var failure: QueueError?
    for ((deadLetter, _), result) in zip(part, results) {
      switch result {
      case .success(let id): sent.append((deadLetter, id))
      case .failure(let error):
        outcomes.append(DeadLetterOutcome(deadLetter, .left(reason: "it could not be sent: \(error)")))
        failure = queue.isFIFO ? error : failure
      }
    }
    for ((deadLetter, newID), result) in zip(sent, await delete(sent.map(\.deadLetter))) {
      switch result {
      case .success:
        outcomes.append(DeadLetterOutcome(deadLetter, .redriven(newID: newID), prospect: prospect(deadLetter)))
      case .failure(let error): outcomes.append(DeadLetterOutcome(deadLetter, .notDeleted(newID: newID, error)))
      }
    }
    return (outcomes, failure)
  }

  private func delete(_ deadLetters: [DeadLetter]) async -> [Result<Void, QueueError>] {
    let handles = deadLetters.map(\.message.receiptHandle)
    return await shieldedFromCancellation { [queue = self.deadLetters, clock] in
      await retrying(handles, clock: clock) { try await queue.delete($0) }
    }
  }
}
