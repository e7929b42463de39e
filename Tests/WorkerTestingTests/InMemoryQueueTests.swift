import Testing
import WorkerKit
import WorkerTesting

@Suite("The queue in memory")
struct InMemoryQueueTests {
  private func queue(_ suffix: String = "") -> InMemoryQueue {
    InMemoryQueue("queue\(suffix)", redrive: .init(to: InMemoryQueue("dlq\(suffix)"), maxReceiveCount: 2))
  }

  @Test("it keeps the contract of queues", arguments: QueueContract.checks)
  func standard(check: QueueContract.Check) async throws {
    try await check.run(on: queue())
  }

  @Test("it keeps the contract of FIFO queues", arguments: QueueContract.fifoChecks)
  func fifo(check: QueueContract.Check) async throws {
    try await check.run(on: queue(".fifo"))
  }

  @Test("the promises hold one after the other on one queue", arguments: ["", ".fifo"])
  func all(suffix: String) async throws {
    try await QueueContract.check(queue(suffix))
  }

  @Test("a first message that is visible again is received, though one behind it is in flight")
  func firstAgain() async throws {
    let queue = queue(".fifo")
    for body in ["1", "2"] { queue.put(OutgoingMessage(body: body, groupID: "g")) }
    let both = try await queue.receive(maxMessages: 10, waitTime: .zero, visibilityTimeout: .seconds(60))
    _ = try await queue.changeVisibility([VisibilityChange(receiptHandle: both[0].receiptHandle, timeout: .zero)])
    let again = try await queue.receive(maxMessages: 10, waitTime: .zero, visibilityTimeout: .seconds(60))
    #expect(again.map(\.id) == [both[0].id])
  }

  @Test("a deduplication id is remembered for five minutes, on a FIFO queue alone")
  func deduplication() {
    let clock = ManualClock()
    let queue = InMemoryQueue("queue.fifo", clock: WorkerClock(clock))
    let message = OutgoingMessage(body: "{}", groupID: "g", deduplicationID: "d")
    #expect(queue.put(message) == queue.put(message))
    clock.advance(by: .seconds(299))
    queue.put(message)
    #expect(queue.messages.count == 1)
    clock.advance(by: .seconds(1))
    queue.put(message)
    #expect(queue.messages.count == 2)
    let standard = InMemoryQueue("queue")
    for _ in 1...2 { standard.put(message) }
    #expect(standard.messages.count == 2)
  }
}
