import Histogram
import NIOCore

/// What became of the messages, and what was asked. Times are nanoseconds of the machine's uptime.
struct OutcomeCounts {
  /// In ``times``: deleted.
  private static let deletedMark = UInt64.max

  var messages: Int
  /// Since the stub started.
  var connections: Int
  /// Requests for operations that the stub does not know.
  var refused = 0
  private(set) var handedOut = 0
  private(set) var deleted = 0
  private(set) var deletedTwice = 0
  private(set) var unknown = 0
  private(set) var requests: [Operation: Int] = [:]
  private(set) var firstRequestAt: UInt64?
  private(set) var firstReceiveAt: UInt64?
  private(set) var lastDeleteAt: UInt64?
  /// From handing out to delete.
  private(set) var latency = Histogram<UInt32>(numberOfSignificantValueDigits: .three)
  /// When each message was handed out.
  private var times: [UInt64] = []
  private var burstAt: UInt64?
  /// When each message was handed out, since the burst.
  private(set) var sinceBurst: [UInt64] = []

  init(messages: Int = 0, connections: Int = 0) {
    self.messages = messages
    self.connections = connections
    times.reserveCapacity(messages)
  }

  var left: Int { messages - handedOut }
  var missing: Int { handedOut - deleted }

  mutating func note(_ operation: Operation) {
    requests[operation, default: 0] += 1
    guard firstRequestAt == nil || operation == .receiveMessage && firstReceiveAt == nil else { return }
    let now = NIODeadline.now().uptimeNanoseconds
    if firstRequestAt == nil { firstRequestAt = now }
    if operation == .receiveMessage { firstReceiveAt = now }
  }

  mutating func beginBurst(of count: Int) {
    messages += count
    burstAt = NIODeadline.now().uptimeNanoseconds
    sinceBurst = []
  }

  /// - Returns: the numbers of so many messages, or of those that are left; of ten at most.
  mutating func handOut(_ count: Int) -> Range<Int> {
    let range = handedOut..<handedOut + min(max(count, 1), 10, left)
    let now = NIODeadline.now().uptimeNanoseconds
    times.append(contentsOf: repeatElement(now, count: range.count))
    if let burstAt { sinceBurst.append(contentsOf: repeatElement(now - burstAt, count: range.count)) }
    handedOut = range.upperBound
    return range
  }

  /// - Returns: whether the message was ever handed out.
  mutating func delete(_ index: Int?, at now: UInt64) -> Bool {
    guard let index, times.indices.contains(index) else {
      unknown += 1
      return false
    }
    let time = times[index]
    guard time != Self.deletedMark else {
      deletedTwice += 1
      return true
    }
    latency.record(now - time)
    times[index] = Self.deletedMark
    deleted += 1
    lastDeleteAt = now
    return true
  }
}
