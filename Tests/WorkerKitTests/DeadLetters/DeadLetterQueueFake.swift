import Foundation
import TestSupport
import WorkerTesting

@testable import WorkerKit

/// A queue with its dead-letter queue, and dead letters of each kind.
struct DeadLetterQueueFake {
  let deadLetters: InMemoryQueue
  let queue: InMemoryQueue
  let clock = WorkerClock(ClockThatDoesNotWait())

  init(fifo: Bool = false) {
    let suffix = fifo ? ".fifo" : ""
    deadLetters = InMemoryQueue("events-dlq\(suffix)")
    queue = InMemoryQueue("events\(suffix)", redrive: .init(to: deadLetters, maxReceiveCount: 1))
  }

  /// The dead-letter queue, for receives that do not wait.
  var source: PickyQueue { PickyQueue(queue: deadLetters) }

  static let body = #"{"eventType":"GREETED","name":"Ada","times":1}"#

  /// A dead letter as the worker sends it, for a message with the id `m-…`.
  @discardableResult
  func putWritten(
    _ original: String, kind: ErrorKind = .notFound, route: String? = "GREETED", body: String = body,
    attributes: [String: MessageAttribute] = [:], groupID: String? = nil
  ) throws -> String {
    let message = ReceivedMessage(
      id: original, receiptHandle: "", body: Array(body.utf8), attributes: attributes, groupID: groupID)
    let failure = HandlingFailure(
      kind: kind, message: "no \(original)", handler: "greetings.hello", route: route, settlement: .deadLetter)
    let deadLetter = DeadLetterPublisher.deadLetter(
      for: message, of: "events", failure: failure, isFIFO: deadLetters.isFIFO)
    guard let deadLetter else { throw RedriveRefusal(description: "the dead letter has no room") }
    return deadLetters.put(deadLetter)
  }

  /// A dead letter that the redrive policy moved.
  ///
  /// - Returns: Its id, which is the message's own.
  func putMoved(_ message: OutgoingMessage = OutgoingMessage(body: body)) async throws -> String {
    let id = queue.put(message)
    try await moveAll()
    return id
  }

  /// Receives from the queue until its redrive policy has moved everything.
  func moveAll() async throws {
    while !queue.messages.isEmpty {
      for message in try await queue.receive(maxMessages: 10, waitTime: .zero, visibilityTimeout: .zero) {
        _ = try await queue.changeVisibility([.init(receiptHandle: message.receiptHandle, timeout: .zero)])
      }
    }
  }

  /// Redrives all matching dead letters.
  func redrive(
    _ filter: DeadLetterFilter = .init(), isDryRun: Bool = false, to target: (any MessageQueue)? = nil,
    from source: (any MessageQueue)? = nil
  ) async -> (outcomes: [DeadLetterOutcome], visit: DeadLetterReader.Visit) {
    await act(.redrive(to: target ?? queue), filter, isDryRun: isDryRun, from: source ?? self.source)
  }

  func act(
    _ purpose: DeadLetterAction.Purpose, _ filter: DeadLetterFilter = .init(), isDryRun: Bool = false,
    from source: any MessageQueue
  ) async -> (outcomes: [DeadLetterOutcome], visit: DeadLetterReader.Visit) {
    var action = DeadLetterAction(purpose, from: source, isDryRun: isDryRun, clock: clock)
    let visit = await DeadLetterReader(source, filter: filter, clock: clock).read { try await action($0) }
    return (action.outcomes, visit)
  }

  func read(_ filter: DeadLetterFilter = .init(), limit: Int? = nil, now: Date = Date()) async throws
    -> (deadLetters: [DeadLetter], visit: DeadLetterReader.Visit)
  {
    var deadLetters: [DeadLetter] = []
    let visit = await DeadLetterReader(source, filter: filter, limit: limit, now: now, clock: clock).read {
      deadLetters += $0
      return []
    }
    return (deadLetters, visit)
  }

  /// How many dead letters can be received now.
  func visible() async throws -> Int { try await deadLetters.attributes().visibleMessages }
}

/// A clock whose sleeps end at once.
private struct ClockThatDoesNotWait: Clock {
  let minimumResolution = Duration.nanoseconds(1)
  var now: ContinuousClock.Instant { ContinuousClock.now }
  func sleep(until deadline: ContinuousClock.Instant, tolerance: Duration?) async throws {}
}

/// A queue that wraps another one, and fails some of its batch entries.
struct PickyQueue: MessageQueue {
  let queue: any MessageQueue
  /// Bodies of messages that it rejects.
  var refusedBodies: Set<String> = []
  /// Whether every deletion fails.
  var keepsAll = false
  /// Whether every change of visibility fails.
  var hidesAll = false
  /// Called before each receive.
  var onReceive: @Sendable () -> Void = {}
  static let refusal = QueueError(code: .init(rawValue: "InternalError"), kind: .unavailable, message: "not today")

  var name: String { queue.name }

  func receive(maxMessages: Int, waitTime: Duration, visibilityTimeout: Duration) async throws -> [ReceivedMessage] {
    onReceive()
    return try await queue.receive(maxMessages: maxMessages, waitTime: .zero, visibilityTimeout: visibilityTimeout)
  }

  func delete(_ receiptHandles: [String]) async throws -> [Result<Void, QueueError>] {
    keepsAll ? receiptHandles.map { _ in .failure(Self.refusal) } : try await queue.delete(receiptHandles)
  }

  func changeVisibility(_ changes: [VisibilityChange]) async throws -> [Result<Void, QueueError>] {
    hidesAll ? changes.map { _ in .failure(Self.refusal) } : try await queue.changeVisibility(changes)
  }

  func send(_ messages: [OutgoingMessage]) async throws -> [Result<String, QueueError>] {
    var results: [Result<String, QueueError>] = []
    for message in messages {
      results += refusedBodies.contains(message.body) ? [.failure(Self.refusal)] : try await queue.send([message])
    }
    return results
  }

  func attributes() async throws -> QueueAttributes { try await queue.attributes() }
  func deadLetterQueue() async throws -> (any MessageQueue)? { try await queue.deadLetterQueue() }
}
