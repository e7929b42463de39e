import Foundation
public import WorkerKit

/// A queue with SQS's semantics in memory: visibility, receive counts, receipt handles, redrive and FIFO groups.
///
///     let queue = InMemoryQueue("prizes", redrive: .init(to: InMemoryQueue("prizes-dlq"), maxReceiveCount: 3))
///     queue.put(#"{"eventType":"RAFFLE_ENTERED", …}"#)
///
/// Its time is the clock's, so that a test can let a visibility timeout end without waiting for it.
public final class InMemoryQueue: MessageQueue {
  /// Where messages go that were received too often.
  public struct Redrive: Sendable {
    public var queue: InMemoryQueue
    public var maxReceiveCount: Int

    public init(to queue: InMemoryQueue, maxReceiveCount: Int = 3) {
      self.queue = queue
      self.maxReceiveCount = maxReceiveCount
    }
  }

  /// An operation that a test can make fail.
  public enum Operation: Sendable, Hashable {
    case receive, delete, changeVisibility, send, attributes
  }

  private struct Stored {
    var message: ReceivedMessage
    var visibleAt: Duration
  }

  private struct State {
    var messages: [Stored] = []
    var nextID = 0
    var failures: [Operation: [QueueError]] = [:]
    var visibilityChanges: [VisibilityChange] = []
  }

  public let name: String
  private let redrive: Redrive?
  private let clock: WorkerClock
  private let state = Locked(State())
  /// Counts what may have made a message available.
  private let arrivals = Watched(0)

  public init(_ name: String, redrive: Redrive? = nil, clock: WorkerClock = .continuous) {
    self.name = name
    self.redrive = redrive
    self.clock = clock
  }

  /// Sends a message as a producer would.
  ///
  /// - Returns: its id.
  @discardableResult
  public func put(_ message: OutgoingMessage) -> String {
    put(
      body: Array(message.body.utf8), attributes: message.attributes, groupID: message.groupID,
      deduplicationID: message.deduplicationID)
  }

  /// Sends a body as a producer would; one that is not text, too.
  @discardableResult
  public func put(
    body: [UInt8], attributes: [String: MessageAttribute] = [:], groupID: String? = nil,
    deduplicationID: String? = nil
  ) -> String {
    let id = state.withLock { state in
      state.nextID += 1
      let id = "\(name)-\(state.nextID)"
      let message = ReceivedMessage(
        id: id, receiptHandle: "", body: body, attributes: attributes, receiveCount: 0, sentAt: Date(),
        groupID: groupID, deduplicationID: deduplicationID)
      state.messages.append(Stored(message: message, visibleAt: clock.now))
      return id
    }
    arrivals.update { $0 += 1 }
    return id
  }

  /// Makes the next call of an operation fail as a whole.
  public func fail(_ operation: Operation, with error: QueueError) {
    state.withLock { $0.failures[operation, default: []].append(error) }
  }

  /// Everything on the queue, in flight or not.
  public var messages: [ReceivedMessage] { state.withLock { $0.messages.map(\.message) } }

  /// Every change of visibility that was asked for.
  public var visibilityChanges: [VisibilityChange] { state.withLock { $0.visibilityChanges } }

  public func receive(
    maxMessages: Int, waitTime: Duration, visibilityTimeout: Duration
  ) async throws -> [ReceivedMessage] {
    let deadline = clock.now + waitTime
    while true {
      let seen = arrivals.value
      let now = clock.now
      let taken = try take(maxMessages, visibilityTimeout, at: now)
      guard taken.isEmpty, now < deadline else { return taken }
      try await waitForArrival(after: seen, until: min(deadline, nextVisibility(after: now) ?? deadline))
    }
  }

  public func delete(_ receiptHandles: [String]) async throws -> [Result<Void, QueueError>] {
    try failIfAsked(.delete)
    let outcomes: [Result<Void, QueueError>] = receiptHandles.map { handle in
      state.withLock { state in
        guard let index = state.messages.firstIndex(where: { $0.message.receiptHandle == handle }) else {
          return .failure(Self.invalidHandle)
        }
        state.messages.remove(at: index)
        return .success(())
      }
    }
    // The next message of a FIFO group may go now.
    arrivals.update { $0 += 1 }
    return outcomes
  }

  public func changeVisibility(_ changes: [VisibilityChange]) async throws -> [Result<Void, QueueError>] {
    try failIfAsked(.changeVisibility)
    let now = clock.now
    let outcomes: [Result<Void, QueueError>] = changes.map { change in
      state.withLock { state in
        state.visibilityChanges.append(change)
        guard let index = state.messages.firstIndex(where: { $0.message.receiptHandle == change.receiptHandle }),
          state.messages[index].visibleAt > now
        else { return .failure(Self.invalidHandle) }
        state.messages[index].visibleAt = now + change.timeout
        return .success(())
      }
    }
    arrivals.update { $0 += 1 }
    return outcomes
  }

  public func send(_ messages: [OutgoingMessage]) async throws -> [Result<String, QueueError>] {
    try failIfAsked(.send)
    return messages.map { .success(put($0)) }
  }

  public func attributes() async throws -> QueueAttributes {
    try failIfAsked(.attributes)
    let now = clock.now
    return state.withLock { state in
      QueueAttributes(
        redrivePolicy: redrive.map {
          .init(deadLetterTargetArn: "arn:aws:sqs:local:0:\($0.queue.name)", maxReceiveCount: $0.maxReceiveCount)
        },
        visibleMessages: state.messages.count { $0.visibleAt <= now },
        messagesInFlight: state.messages.count { $0.visibleAt > now })
    }
  }

  public func deadLetterQueue() async throws -> (any MessageQueue)? { redrive?.queue }

  private var isFIFO: Bool { name.hasSuffix(".fifo") }

  private static let invalidHandle = QueueError(
    code: .init(rawValue: "ReceiptHandleIsInvalid"), kind: .badRequest,
    message: "the receipt handle is not that of the latest receive")

  private func failIfAsked(_ operation: Operation) throws {
    let error = state.withLock { state -> QueueError? in
      guard let next = state.failures[operation]?.first else { return nil }
      state.failures[operation]?.removeFirst()
      return next
    }
    if let error { throw error }
  }

  /// Takes what is visible, and moves what was received too often.
  private func take(_ maxMessages: Int, _ visibilityTimeout: Duration, at now: Duration) throws -> [ReceivedMessage] {
    try Task.checkCancellation()
    try failIfAsked(.receive)
    let (taken, dead) = state.withLock { state -> ([ReceivedMessage], [ReceivedMessage]) in
      var taken: [ReceivedMessage] = []
      var dead: [ReceivedMessage] = []
      // One group in flight at a time; several messages of it may be taken together, in order.
      let blocked = Set(
        state.messages.filter { $0.visibleAt > now }.compactMap { isFIFO ? $0.message.groupID : nil })
      for index in state.messages.indices where taken.count < maxMessages {
        guard state.messages[index].visibleAt <= now else { continue }
        if let group = state.messages[index].message.groupID, blocked.contains(group) { continue }
        if let redrive, state.messages[index].message.receiveCount >= redrive.maxReceiveCount {
          dead.append(state.messages[index].message)
          continue
        }
        state.nextID += 1
        state.messages[index].message.receiveCount += 1
        state.messages[index].message.receiptHandle = "handle-\(state.nextID)"
        state.messages[index].message.firstReceivedAt = state.messages[index].message.firstReceivedAt ?? Date()
        state.messages[index].visibleAt = now + visibilityTimeout
        taken.append(state.messages[index].message)
      }
      state.messages.removeAll { stored in dead.contains { $0.id == stored.message.id } }
      return (taken, dead)
    }
    for message in dead {
      redrive?.queue.accept(message)
    }
    return taken
  }

  /// Takes over a message from the queue whose dead letters come here, with its id.
  private func accept(_ message: ReceivedMessage) {
    state.withLock { $0.messages.append(Stored(message: message, visibleAt: clock.now)) }
    arrivals.update { $0 += 1 }
  }

  /// When the first of the messages that are hidden at some time becomes visible.
  private func nextVisibility(after now: Duration) -> Duration? {
    state.withLock { state in state.messages.lazy.map(\.visibleAt).filter { $0 > now }.min() }
  }

  private func waitForArrival(after seen: Int, until time: Duration) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { [arrivals] in try await arrivals.wait { $0 > seen } }
      group.addTask { [clock] in try await clock.sleep(until: time) }
      try await group.next()
      group.cancelAll()
    }
  }
}
