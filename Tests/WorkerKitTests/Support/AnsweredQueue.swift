@testable import WorkerKit

/// A queue whose receives wait until the test completes them.
final class AnsweredQueue: MessageQueue {
  private struct State: Sendable {
    var asked: [Int] = []
    var underWay: [Int] = []
    var ended = 0
    var answers: [Int: Int] = [:]
    /// The number of messages that each receive in flight requests.
    var open = 0
    var given = 0
    var deleted = 0
    var handled = 0
    var most = 0

    mutating func begin(_ count: Int) -> Int {
      asked.append(count)
      underWay.append(asked.count - ended)
      open += count
      most = max(most, open + given - handled)
      return asked.count
    }

    mutating func end(with count: Int, of most: Int) -> [ReceivedMessage] {
      let numbers = given..<(given + count)
      ended += 1
      open -= most
      given += count
      return numbers.map { ReceivedMessage(id: "m-\($0)", receiptHandle: "h-\($0)", body: AnsweredQueue.body) }
    }
  }

  private static let body = Array(ConsumerHarness.greeting.utf8)

  let name = "events"
  private let automatic: (@Sendable (_ most: Int) async -> Int)?
  private let state = AsyncValue(State())

  /// - Parameter automatic: Returns the number of messages for a receive, instead of the test.
  init(_ automatic: (@Sendable (_ most: Int) async -> Int)? = nil) {
    self.automatic = automatic
  }

  /// The number of messages that each receive requested, in the order of their start.
  var asked: [Int] { state.value.asked }

  /// How many receives were in flight when each started, including itself.
  var underWay: [Int] { state.value.underWay }

  /// The maximum of messages in flight and not handled, together with the requested ones.
  var most: Int { state.value.most }

  /// Waits until a number of receives have started.
  func untilAsked(_ count: Int) async throws {
    try await state.wait { $0.asked.count >= count }
  }

  /// Waits until a number of messages have been received and not deleted.
  func untilInHand(_ count: Int) async throws {
    try await state.wait { $0.given - $0.deleted >= count }
  }

  /// Waits until a number of messages have been deleted.
  func untilDeleted(_ count: Int) async throws {
    try await state.wait { $0.deleted >= count }
  }

  /// Records that a message's handler is about to return.
  func noteHandled() {
    state.update { $0.handled += 1 }
  }

  /// Ends a receive.
  ///
  /// - Parameters:
  ///   - number: The number of the receive in the order of their start, from 1.
  ///   - count: How many messages it returns.
  func answer(_ number: Int, with count: Int) {
    state.update { $0.answers[number] = count }
  }

  func receive(maxMessages: Int, waitTime: Duration, visibilityTimeout: Duration) async throws -> [ReceivedMessage] {
    let number = state.update { $0.begin(maxMessages) }
    do {
      let count = try await answer(to: number, asking: maxMessages)
      return state.update { $0.end(with: count, of: maxMessages) }
    } catch {
      _ = state.update { $0.end(with: 0, of: maxMessages) }
      throw error
    }
  }

  private func answer(to number: Int, asking most: Int) async throws -> Int {
    if let automatic { return await automatic(most) }
    try await state.wait { $0.answers[number] != nil }
    return state.value.answers[number] ?? 0
  }

  func delete(_ receiptHandles: [String]) async throws -> [Result<Void, QueueError>] {
    let count = receiptHandles.count
    state.update { $0.deleted += count }
    return receiptHandles.map { _ in .success(()) }
  }

  func changeVisibility(_ changes: [VisibilityChange]) async throws -> [Result<Void, QueueError>] {
    changes.map { _ in .success(()) }
  }

  func send(_ messages: [OutgoingMessage]) async throws -> [Result<String, QueueError>] {
    messages.map { .success($0.body) }
  }

  func attributes() async throws -> QueueAttributes { QueueAttributes() }
  func deadLetterQueue() async throws -> (any MessageQueue)? { nil }
}
