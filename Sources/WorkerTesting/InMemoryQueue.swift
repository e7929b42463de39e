import Foundation
public import WorkerKit
import WorkerLocks

/// A queue in memory with SQS's semantics: visibility, receive counts, receipt handles, redrive and FIFO groups.
///
///     let queue = InMemoryQueue("prizes", redrive: .init(to: InMemoryQueue("prizes-dlq"), maxReceiveCount: 3))
///     queue.put(#"{"eventType":"RAFFLE_ENTERED", …}"#)
///
/// The queue uses the time of its clock, so a test can end a visibility timeout without waiting. A queue whose name
/// ends in `.fifo` is a FIFO queue: it preserves the order of each group, and drops messages whose deduplication id was
/// used within the last five minutes. ``send(_:)`` rejects what SQS rejects; ``put(_:)`` accepts any message.
public final class InMemoryQueue: MessageQueue {
  /// The policy that moves a message to the dead-letter queue after too many receives.
  public struct Redrive: Sendable {
    /// The dead-letter queue.
    public var queue: InMemoryQueue
    /// How often a message is received before it is moved.
    public var maxReceiveCount: Int

    /// Creates a policy.
    public init(to queue: InMemoryQueue, maxReceiveCount: Int = 3) {
      self.queue = queue
      self.maxReceiveCount = maxReceiveCount
    }
  }

  /// An operation that a test can make fail.
  public enum Operation: Sendable, Hashable {
    /// A method of `MessageQueue`.
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
    /// The message that used each deduplication id, and when it was sent.
    var sent: [String: (id: String, at: Duration)] = [:]
  }

  private static let deduplicationInterval = Duration.seconds(300)

  /// The queue's name. The name of a FIFO queue ends in `.fifo`.
  public let name: String
  private let policy: Mutex<Redrive?>
  private let clock: WorkerClock
  private let state = Mutex(State())
  /// Incremented when a message may have become available.
  private let arrivals = AsyncValue(0)

  /// Creates an empty queue.
  ///
  /// - Parameters:
  ///   - name: The queue's name. The name of a FIFO queue ends in `.fifo`.
  ///   - redrive: The redrive policy; nil to redeliver messages without limit.
  ///   - clock: The clock for visibility timeouts and waits.
  public init(_ name: String, redrive: Redrive? = nil, clock: WorkerClock = .continuous) {
    self.name = name
    policy = Mutex(redrive)
    self.clock = clock
  }

  /// Where messages go that were received too often; it can be changed as an operator would.
  public var redrive: Redrive? {
    get { policy.withLock { $0 } }
    set { policy.withLock { $0 = newValue } }
  }

  /// Sends a message without the checks of ``send(_:)``.
  ///
  /// - Returns: The id of the message.
  @discardableResult
  public func put(_ message: OutgoingMessage) -> String {
    put(
      body: Array(message.body.utf8), attributes: message.attributes, groupID: message.groupID,
      deduplicationID: message.deduplicationID)
  }

  /// Sends a body without the checks of ``send(_:)``. The body need not be text.
  @discardableResult
  public func put(
    body: [UInt8], attributes: [String: MessageAttribute] = [:], groupID: String? = nil,
    deduplicationID: String? = nil
  ) -> String {
    let now = clock.now
    let id = state.withLock { state in
      if isFIFO, let deduplicationID {
        if let earlier = state.sent[deduplicationID], now - earlier.at < Self.deduplicationInterval {
          return earlier.id
        }
        state.sent[deduplicationID] = ("\(name)-\(state.nextID + 1)", now)
      }
      state.nextID += 1
      let id = "\(name)-\(state.nextID)"
      let message = ReceivedMessage(
        id: id, receiptHandle: "", body: body, attributes: attributes, receiveCount: 0, sentAt: Date(),
        groupID: groupID, deduplicationID: deduplicationID)
      state.messages.append(Stored(message: message, visibleAt: now))
      return id
    }
    arrivals.update { $0 += 1 }
    return id
  }

  /// Makes the next call of an operation fail as a whole.
  public func fail(_ operation: Operation, with error: QueueError) {
    state.withLock { $0.failures[operation, default: []].append(error) }
  }

  /// All messages on the queue, including those in flight.
  public var messages: [ReceivedMessage] { state.withLock { $0.messages.map(\.message) } }

  /// All requested visibility changes, in order.
  public var visibilityChanges: [VisibilityChange] { state.withLock { $0.visibilityChanges } }

  /// Receives visible messages in the order in which they were sent. If there are none, waits for one.
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

  /// Deletes messages by the handles of their latest receive. Any other handle fails.
  public func delete(_ receiptHandles: [String]) async throws -> [Result<Void, QueueError>] {
    try begin(.delete)
    let outcomes: [Result<Void, QueueError>] = receiptHandles.map { handle in
      state.withLock { state in
        guard let index = state.messages.firstIndex(where: { $0.message.receiptHandle == handle }) else {
          return .failure(Self.invalidHandle)
        }
        state.messages.remove(at: index)
        return .success(())
      }
    }
    // The next message of a FIFO group may be available now.
    arrivals.update { $0 += 1 }
    return outcomes
  }

  /// Changes the visibility timeout of messages in flight. Any other handle fails.
  public func changeVisibility(_ changes: [VisibilityChange]) async throws -> [Result<Void, QueueError>] {
    try begin(.changeVisibility)
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

  /// Sends messages that SQS would accept: a text body of at least 1 byte, at most 1,048,576 bytes with its attributes,
  /// and at most ten attributes. Any other message fails.
  public func send(_ messages: [OutgoingMessage]) async throws -> [Result<String, QueueError>] {
    try begin(.send)
    return messages.map { message in message.refusal.map { .failure($0) } ?? .success(put(message)) }
  }

  /// The redrive policy, and exact message counts.
  public func attributes() async throws -> QueueAttributes {
    try begin(.attributes)
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

  /// The dead-letter queue of the redrive policy.
  public func deadLetterQueue() async throws -> (any MessageQueue)? { redrive?.queue }

  private var isFIFO: Bool { name.hasSuffix(".fifo") }

  private static let invalidHandle = QueueError(
    code: .init(rawValue: "ReceiptHandleIsInvalid"), kind: .badRequest,
    message: "the receipt handle is not that of the latest receive")

  private func begin(_ operation: Operation) throws {
    try Task.checkCancellation()
    let error = state.withLock { state -> QueueError? in
      guard let next = state.failures[operation]?.first else { return nil }
      state.failures[operation]?.removeFirst()
      return next
    }
    if let error { throw error }
  }

  /// Receives visible messages, and moves those that were received too often.
  private func take(_ maxMessages: Int, _ visibilityTimeout: Duration, at now: Duration) throws -> [ReceivedMessage] {
    try begin(.receive)
    let (taken, dead) = state.withLock { state -> ([ReceivedMessage], [ReceivedMessage]) in
      var taken: [ReceivedMessage] = []
      var dead: [ReceivedMessage] = []
      // A message waits for the message in flight ahead of it in its group. One receive can return several messages of
      // a group, in order.
      var blocked: Set<String> = []
      for index in state.messages.indices where taken.count < maxMessages {
        let group = isFIFO ? state.messages[index].message.groupID : nil
        if let group, blocked.contains(group) { continue }
        guard state.messages[index].visibleAt <= now else {
          if let group { blocked.insert(group) }
          continue
        }
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
      redrive?.queue.accept(message, from: name)
    }
    return taken
  }

  /// Adds a message that the redrive policy of another queue moved here. The message keeps its id. As in SQS, the id
  /// also replaces a FIFO queue's deduplication id.
  private func accept(_ message: consuming ReceivedMessage, from source: String) {
    message.deadLetterQueueSourceARN = "arn:aws:sqs:local:0:\(source)"
    if isFIFO { message.deduplicationID = message.id }
    let message = message
    state.withLock { $0.messages.append(Stored(message: message, visibleAt: clock.now)) }
    arrivals.update { $0 += 1 }
  }

  /// When the next hidden message becomes visible after `now`.
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
