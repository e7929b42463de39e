import Testing
import WorkerKit
import WorkerTesting

/// Queues that break one promise each: the contract finds it.
@Suite("The contract of queues finds what is broken")
struct QueueContractTests {
  /// A queue whose calls go through functions that a test can replace.
  struct BrokenQueue: MessageQueue {
    let kept: InMemoryQueue
    var receive:
      @Sendable (_ kept: InMemoryQueue, _ most: Int, _ wait: Duration, _ hidden: Duration) async throws ->
        [ReceivedMessage] = { try await $0.receive(maxMessages: $1, waitTime: $2, visibilityTimeout: $3) }
    var delete: @Sendable (InMemoryQueue, [String]) async throws -> [Result<Void, QueueError>] = {
      try await $0.delete($1)
    }
    var changeVisibility: @Sendable (InMemoryQueue, [VisibilityChange]) async throws -> [Result<Void, QueueError>] = {
      try await $0.changeVisibility($1)
    }
    var send: @Sendable (InMemoryQueue, [OutgoingMessage]) async throws -> [Result<String, QueueError>] = {
      try await $0.send($1)
    }

    init(fifo: Bool = false) {
      let suffix = fifo ? ".fifo" : ""
      kept = InMemoryQueue("queue\(suffix)", redrive: .init(to: InMemoryQueue("dlq\(suffix)"), maxReceiveCount: 2))
    }

    var name: String { kept.name }

    func receive(
      maxMessages: Int, waitTime: Duration, visibilityTimeout: Duration
    ) async throws -> [ReceivedMessage] {
      try await receive(kept, maxMessages, waitTime, visibilityTimeout)
    }

    func delete(_ receiptHandles: [String]) async throws -> [Result<Void, QueueError>] {
      try await delete(kept, receiptHandles)
    }

    func changeVisibility(_ changes: [VisibilityChange]) async throws -> [Result<Void, QueueError>] {
      try await changeVisibility(kept, changes)
    }

    func send(_ messages: [OutgoingMessage]) async throws -> [Result<String, QueueError>] {
      try await send(kept, messages)
    }

    func attributes() async throws -> QueueAttributes { try await kept.attributes() }
    func deadLetterQueue() async throws -> (any MessageQueue)? { try await kept.deadLetterQueue() }
  }

  /// What is broken, and how the violation says so.
  struct Fault: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let expected: String
    var fifo = false
    let damage: @Sendable (inout BrokenQueue) -> Void
  }

  static let faults = [
    Fault(testDescription: "hides nothing", expected: "hidden") { queue in
      queue.receive = { kept, most, wait, _ in
        try await kept.receive(maxMessages: most, waitTime: wait, visibilityTimeout: .zero)
      }
    },
    Fault(testDescription: "counts no receives", expected: "counts as two") { queue in
      queue.receive = { kept, most, wait, hidden in
        try await kept.receive(maxMessages: most, waitTime: wait, visibilityTimeout: hidden).map { message in
          var message = message
          message.receiveCount = 1
          return message
        }
      }
    },
    Fault(testDescription: "does not wait", expected: "waits before it returns") { queue in
      queue.receive = { kept, most, wait, hidden in
        // Where something comes it comes at once; where nothing does, the second is not waited for.
        try await kept.receive(
          maxMessages: most, waitTime: wait == .seconds(1) ? .zero : wait, visibilityTimeout: hidden)
      }
    },
    Fault(testDescription: "brings more than was asked for", expected: "no more messages than it asks for") { queue in
      queue.receive = { kept, _, wait, hidden in
        try await kept.receive(maxMessages: 10, waitTime: wait, visibilityTimeout: hidden)
      }
    },
    Fault(testDescription: "fails a whole batch for one entry", expected: "fails alone") { queue in
      queue.delete = { kept, handles in
        let outcomes = try await kept.delete(handles)
        guard let failure = outcomes.first(where: { if case .failure = $0 { true } else { false } }) else {
          return outcomes
        }
        return outcomes.map { _ in failure }
      }
    },
    Fault(testDescription: "loses an outcome", expected: "an outcome for each") { queue in
      queue.changeVisibility = { try await $0.changeVisibility($1).dropLast() }
    },
    Fault(testDescription: "takes any message", expected: "refused") { queue in
      queue.send = { kept, messages in messages.map { .success(kept.put($0)) } }
    },
    Fault(testDescription: "answers in another order", expected: "in the order of its messages") { queue in
      queue.send = { kept, messages in try await kept.send(messages.reversed()) }
    },
    Fault(testDescription: "hides its cancellation", expected: "throws CancellationError") { queue in
      queue.send = { kept, messages in
        do {
          return try await kept.send(messages)
        } catch {
          throw QueueError(code: .connection, kind: .network, message: "\(error)")
        }
      }
    },
    Fault(testDescription: "ignores its cancellation", expected: "receive that waits throws CancellationError") {
      queue in
      queue.receive = { kept, most, wait, hidden in
        guard wait == .seconds(20), hidden == .seconds(1) else {
          return try await kept.receive(maxMessages: most, waitTime: wait, visibilityTimeout: hidden)
        }
        return []
      }
    },
    Fault(testDescription: "forgets the groups", expected: "waits for the one before it", fifo: true) { queue in
      queue.send = { kept, messages in
        try await kept.send(
          messages.map { message in
            var message = message
            message.groupID = message.groupID.map { "\($0)-\(message.body)" }
            return message
          })
      }
    },
    Fault(testDescription: "forgets what it has sent", expected: "deduplication id", fifo: true) { queue in
      queue.send = { kept, messages in
        try await kept.send(
          messages.map { message in
            var message = message
            message.deduplicationID = nil
            return message
          })
      }
    },
  ]

  @Test("a queue that breaks a promise is found out", arguments: faults)
  func finds(fault: Fault) async throws {
    var violations: [String] = []
    for check in fault.fifo ? QueueContract.fifoChecks : QueueContract.checks {
      var queue = BrokenQueue(fifo: fault.fifo)
      fault.damage(&queue)
      do {
        try await check.run(on: queue)
      } catch let violation as QueueContract.Violation {
        violations.append(violation.description)
      }
    }
    #expect(violations.contains { $0.contains(fault.expected) }, "\(violations)")
  }
}
