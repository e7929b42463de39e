import Foundation
import Metrics

/// The metrics of one queue's consumer.
///
/// A label's values are routes and error kinds of the configuration, never what a message brings.
final class ConsumerMetrics: Sendable {
  private let received: Counter
  private let age: Timer
  private let settled: Instruments<Counter>
  private let latency: Instruments<Timer>
  private let inFlight: Gauge
  private let freeSlots: Gauge
  private let ahead: Gauge
  private let parked: Gauge
  private let settling: Gauge
  private let extendedLeases: Counter
  private let lostLeases: Counter
  private let receiveFailures: Instruments<Counter>
  private let lastReceive: Gauge

  init(queue: String) {
    let labels = [(MetricLabel.destination, queue)]
    func counter(_ metric: MetricDescription) -> Counter { Counter(label: metric.label, dimensions: labels) }
    func gauge(_ metric: MetricDescription) -> Gauge { Gauge(label: metric.label, dimensions: labels) }
    received = counter(.consumedMessages)
    age = Timer(label: MetricDescription.messageAge.label, dimensions: labels)
    settled = Instruments(fixed: labels, labels: [MetricLabel.route, MetricLabel.outcome, MetricLabel.errorType]) {
      Counter(label: MetricDescription.settledMessages.label, dimensions: $0)
    }
    latency = Instruments(fixed: labels, labels: [MetricLabel.route]) {
      Timer(label: MetricDescription.messageLatency.label, dimensions: $0)
    }
    inFlight = gauge(.inFlight)
    freeSlots = gauge(.freeSlots)
    ahead = gauge(.ahead)
    parked = gauge(.parked)
    settling = gauge(.settling)
    extendedLeases = counter(.extendedLeases)
    lostLeases = counter(.lostLeases)
    receiveFailures = Instruments(fixed: labels, labels: [MetricLabel.errorType]) {
      Counter(label: MetricDescription.receiveFailures.label, dimensions: $0)
    }
    lastReceive = gauge(.lastReceive)
  }

  func recordReceive(_ messages: [ReceivedMessage], at date: Date = Date()) {
    lastReceive.record(date.timeIntervalSince1970)
    received.increment(by: messages.count)
    for message in messages {
      if let sentAt = message.sentAt { age.recordSeconds(max(0, date.timeIntervalSince(sentAt))) }
    }
  }

  func recordReceiveFailure(_ error: any Error) {
    receiveFailures[QueueError(wrapping: error).kind.rawValue].increment()
  }

  func recordSlots(_ slots: InFlight) {
    // As one: of two records at once the earlier one must not be the last.
    slots.withCounts { [self] counts in
      inFlight.record(counts.all)
      ahead.record(counts.ahead)
      parked.record(counts.parked)
      settling.record(counts.settling)
      freeSlots.record(max(0, slots.capacity - counts.handled))
    }
  }

  func recordExtension() {
    extendedLeases.increment()
  }

  func recordLoss() {
    lostLeases.increment()
  }

  func recordSettlement(_ outcome: Settlement, of message: ReceivedMessage, route: String, at date: Date = Date()) {
    settled[route, outcome.name, outcome.errorKind?.rawValue ?? ""].increment()
    if case .delete = outcome, let sentAt = message.sentAt {
      latency[route].recordSeconds(max(0, date.timeIntervalSince(sentAt)))
    }
  }
}
