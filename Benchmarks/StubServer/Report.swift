import Histogram
import NIOCore

/// The answer to `GET /report`. Times and latencies are in nanoseconds.
struct Report: Encodable {
  struct Latency: Encodable {
    let p50: UInt64
    let p99: UInt64
    let p999: UInt64
    let max: UInt64
  }

  let messages: Int
  let handedOut: Int
  let deleted: Int
  let missing: Int
  let deletedTwice: Int
  let unknown: Int
  let refused: Int
  let connections: Int
  let waiting: Int
  let requests: [String: Int]
  let now: UInt64
  let firstRequestAt: UInt64?
  let firstReceiveAt: UInt64?
  let lastDeleteAt: UInt64?
  let latency: Latency

  init(_ queue: StubQueue) {
    let tally = queue.tally
    messages = tally.messages
    handedOut = tally.handedOut
    deleted = tally.deleted
    missing = tally.missing
    deletedTwice = tally.deletedTwice
    unknown = tally.unknown
    refused = tally.refused
    connections = tally.connections
    waiting = queue.waiting
    requests = Dictionary(uniqueKeysWithValues: tally.requests.map { ($0.key.rawValue, $0.value) })
    now = NIODeadline.now().uptimeNanoseconds
    firstRequestAt = tally.firstRequestAt
    firstReceiveAt = tally.firstReceiveAt
    lastDeleteAt = tally.lastDeleteAt
    let histogram = tally.latency
    latency = Latency(
      p50: histogram.valueAtPercentile(50), p99: histogram.valueAtPercentile(99),
      p999: histogram.valueAtPercentile(99.9), max: histogram.max)
  }
}
