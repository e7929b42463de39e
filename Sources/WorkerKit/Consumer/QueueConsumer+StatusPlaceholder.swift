extension QueueConsumer {
  /// What the consumer is doing now.
  package var status: ConsumerStatus {
    ConsumerStatus(
      queue: queue.name, activity: .receiving, duration: .zero, limit: nil, inFlight: inFlight.deliveries.count,
      parked: 0, slots: configuration.concurrency, closedPlugins: [:], hasReceived: true)
  }
}
