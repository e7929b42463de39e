/// How many receives may be under way at once.
///
/// One receive brings ten messages at most and takes a round trip, so a deep queue needs several at once; an idle queue
/// needs one long poll.
///
/// | a receive ends | the limit |
/// |---|---|
/// | full: it brought all that it asked for | grows by one, to twice as many as were ever under way at most, and to 128 |
/// | with half of that, or more | stays |
/// | with less than half | shrinks by one |
/// | empty | is 1: the queue is empty |
/// | with an error | is 1: after an error, one receive at a time probes |
///
/// Each full receive makes room for two, so the number doubles with each round trip. Only what a receive brought counts,
/// not when it ended: answers that arrive together say no more than answers that arrive one by one.
///
/// More receives than this process, or the queue, keeps up with bring no more messages: each only takes longer, and its
/// messages wait in memory. So beyond ``few`` the limit depends on how much longer a receive takes than it does with few under
/// way (``RoundTrip``):
///
/// | a full receive takes, on average | the limit |
/// |---|---|
/// | up to 1.3 times as long | grows by one; where it has been too high before, by one for each eight receives |
/// | up to 1.7 times as long | stays |
/// | longer | shrinks by one for each eight receives |
struct PollConcurrency: Sendable {
  /// At 20 ms a round trip, 64,000 messages a second. Each receive takes up a connection.
  static let most = 128
  /// So many are always worth while on a deep queue: messages enough for batches at each step.
  static let few = 8
  /// How many receives change the limit by one, once it has been too high.
  private static let caution = 8

  private(set) var underWay = 0
  private var growth = 1
  private(set) var roundTrip = RoundTrip()
  /// The most that were under way since the limit was last 1. Without it, receives that nothing but slots holds back
  /// would raise the limit for the time when the slots come free, and the queue may be empty by then.
  private var peak = 0
  /// Whether there were once so many that each took longer, since the limit was last 1.
  private var wasTooHigh = false
  private var changes = 0

  /// While the round trip is measured, few are under way.
  var limit: Int { roundTrip.isMeasured ? growth : min(growth, Self.few) }

  var mayBegin: Bool { underWay < limit }

  mutating func begin() {
    underWay += 1
    peak = max(peak, underWay)
  }

  /// Notes that a receive was not made after all, or was cut off: it says nothing of the queue.
  mutating func cancel() {
    underWay -= 1
  }

  /// Notes that a receive has ended.
  ///
  /// - Parameters:
  ///   - count: How many messages it brought; nil where it failed.
  ///   - most: How many it could have brought.
  ///   - duration: How long it took.
  mutating func end(with count: Int?, of most: Int, after duration: Duration = .zero) {
    defer { underWay -= 1 }
    guard let count, count > 0 else {
      growth = 1
      peak = underWay - 1
      wasTooHigh = false
      return
    }
    if count >= most {
      // With one at a time, it may have waited for the messages.
      if growth > 1 { roundTrip.add(duration, underWay: underWay) }
      adapt(duration)
    } else if count * 2 < most {
      growth = max(1, growth - 1)
    }
  }

  private mutating func adapt(_ duration: Duration) {
    guard growth >= Self.few else { return grow() }
    guard roundTrip.isMeasured else { return }
    let slowdown = roundTrip.slowdown
    if slowdown > 1.3 { wasTooHigh = true }
    guard slowdown <= 1.3 || slowdown > 1.7 else { return }
    changes += 1
    guard !wasTooHigh || changes.isMultiple(of: Self.caution) else { return }
    if slowdown <= 1.3 { grow() } else { growth = max(Self.few, growth - 1) }
  }

  private mutating func grow() {
    growth = max(growth, min(growth + 1, 2 * max(peak, 1), Self.most))
  }
}
