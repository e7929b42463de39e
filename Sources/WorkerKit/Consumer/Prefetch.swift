/// How many messages are received before a slot is free for them: as many as keep the slots busy over a round trip.
///
/// While a receive is under way, handlers go on and free slots. With as many messages under way as slots come free in a
/// round trip, each free slot has its next message at once:
///
///     slots × round trip ÷ handling time
///
/// | slots | round trip | handlers take | needed |
/// |---|---|---|---|
/// | 32 | 20 ms | 50 ms | 13 |
/// | 32 | 100 ms | 50 ms | 64 |
/// | 32 | 20 ms | 10 min | 0 |
///
/// One receive's worth comes on top where the handlers begin that many within a second, so that a receive can ask for
/// all that it may. Slower handlers get nothing ahead: another worker may have a slot for it sooner. The round trip is that of
/// receives with few under way (``RoundTrip``): answers that wait because this process is busy ask for nothing more. A handler
/// that has not ended yet counts with the time that it has taken so far.
struct Prefetch: Sendable {
  /// What is received ahead is expected to begin within this time and a round trip.
  private static let patience = 1.0

  private let slots: Int
  private let receiveSize: Int
  /// The bound, whatever is measured.
  let most: Int

  private var busy = 0
  private var lastChange = Duration.zero
  /// In seconds, over all slots: for how long they were busy. It fades with each handler that ends.
  private var slotTime = 0.0
  /// How many handlers ended meanwhile, fading likewise.
  private var ended = 0.0

  /// - Parameters:
  ///   - slots: How many handlers run at once.
  ///   - multiplier: The bound is so many times the slots, but at least one receive; 0 for none.
  ///   - receiveSize: How many messages a receive asks for.
  init(slots: Int, multiplier: Int, receiveSize: Int) {
    self.slots = slots
    self.receiveSize = receiveSize
    most = multiplier == 0 ? 0 : max(multiplier * slots, receiveSize)
  }

  /// How many messages may be asked for beyond the free slots, by what was measured up to the last change.
  ///
  /// - Parameter roundTrip: Of a receive, in seconds; nil where it is not known.
  func allowance(roundTrip: Double?) -> Int {
    guard most > 0, let roundTrip, ended > 0 else { return 0 }
    // From one slot that comes free to the next, where all are busy.
    let interval = slotTime / ended / Double(slots)
    guard interval > 0 else { return most }
    let spare = interval * Double(receiveSize) <= Self.patience ? Double(receiveSize) : 0
    return Int(min(Double(most), roundTrip / interval + spare))
  }

  /// Notes how many slots are busy from now on.
  ///
  /// - Parameter hasEnded: Whether that is because a handler has ended.
  mutating func recordBusy(_ count: Int, hasEnded: Bool = false, at now: Duration) {
    slotTime += Double(busy) * (now - lastChange).inSeconds
    lastChange = now
    busy = count
    if hasEnded {
      // Each slot's last two handlers are what counts.
      let kept = 1 - 1 / Double(2 * slots + 8)
      slotTime *= kept
      ended = ended * kept + 1
    }
  }
}
