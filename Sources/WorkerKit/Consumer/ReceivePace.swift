/// How many receives are under way at once, and how many may be.
///
/// One receive brings ten messages at most, and takes a round trip: a deep queue needs several at once. There may be one
/// more for each that comes back full, and one fewer for each that comes back empty; a queue that is idle is asked once
/// a wait time.
struct ReceivePace: Sendable {
  private(set) var underWay = 0
  private(set) var limit = 1

  var mayBegin: Bool { underWay < limit }

  mutating func begin() {
    underWay += 1
  }

  /// Notes that a receive was not made after all, or was cut: it says nothing of the queue.
  mutating func callOff() {
    underWay -= 1
  }

  /// Notes that a receive has ended.
  ///
  /// - Parameters:
  ///   - count: How many messages it brought; nil where it failed.
  ///   - most: How many it could have brought.
  mutating func end(with count: Int?, of most: Int) {
    underWay -= 1
    switch count {
    // Whatever is wrong, one at a time finds out.
    case nil: limit = 1
    case 0: limit = max(1, limit - 1)
    // A receive more than are under way would not be begun.
    case most: limit = min(limit, underWay + 1) + 1
    default: break
    }
  }
}
