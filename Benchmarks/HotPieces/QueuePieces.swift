import WorkerKit

extension HotPiece {
  static let settle = HotPiece(name: "settle", summary: "deletes ten messages, in one call") { surroundings in
    let queue = PromptQueue()
    let settler = consumer(table: idle, in: surroundings, queue: queue, configuration: inTens).settler
    let messages = (0..<10).map(Event.message)
    return .asynchronous {
      await withTaskGroup(of: Void.self) { group in
        for message in messages {
          group.addTask {
            let delivery = Delivery(message: message, receivedAt: .zero, visibilityTimeout: .seconds(30))
            _ = await settler.settle(delivery, .delete)
          }
        }
      }
      await queue.untilDeleted(10)
    }
  }

  static let consume = HotPiece(
    name: "consume",
    summary: "the whole consumer with ten messages: receive, leases, handlers that do nothing, deletion"
  ) { surroundings in
    let queue = PromptQueue()
    let consumer = consumer(table: idle, in: surroundings, queue: queue, configuration: inTens)
    // For as long as the process runs, as a worker's does.
    Task { try await consumer.run() }
    let messages = (0..<10).map(Event.message)
    return .asynchronous {
      queue.put(messages)
      await queue.untilDeleted(10)
    }
  }

  /// Batches are full, and none goes out before it is: how many share a call is no matter of a machine's speed. There is
  /// room for ten more than are at work, so that each receive asks for ten.
  private static let inTens: QueueConsumer.Configuration = {
    var configuration = QueueConsumer.Configuration()
    configuration.concurrency = 20
    configuration.maxMessages = 10
    configuration.settlementWindow = .seconds(3600)
    configuration.receiveWindow = .seconds(3600)
    return configuration
  }()
}
