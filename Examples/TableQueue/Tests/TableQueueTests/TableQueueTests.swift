import TableQueue
import Testing
import WorkerTesting

@Suite("The table queue")
struct TableQueueTests {
  @Test("it keeps the contract of queues", arguments: QueueContract.checks)
  func contract(_ check: QueueContract.Check) async throws {
    try await check.run(on: TableQueue("queue", deadLetters: TableQueue("queue-dlq"), maxReceiveCount: 2))
  }
}
