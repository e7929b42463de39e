/// A clock whose sleeps leave little behind when they are cancelled.
///
/// Swift keeps what a sleep needs until its deadline, though it was cancelled long before. A consumer's sleep for its
/// ``Deadlines`` is broken off whenever an earlier one is set, and a handler may sleep for each message: with a long
/// sleep cancelled for each of 2,000 messages a second, what twenty seconds leave behind is 100 MB. So a sleep goes
/// in steps, of a second at first, and then each as long as all before it: what is left behind is at most as old
/// again as what has been slept for, and a long sleep wakes rarely.
struct SteppingClock<Base: Clock>: Clock where Base.Duration == Duration {
  private let base: Base

  init(_ base: Base) {
    self.base = base
  }

  var now: Base.Instant { base.now }
  var minimumResolution: Duration { base.minimumResolution }

  func sleep(until deadline: Base.Instant, tolerance: Duration?) async throws {
    let start = base.now
    while true {
      let now = base.now
      let step = max(.seconds(1), start.duration(to: now))
      guard now.duration(to: deadline) > step else {
        return try await base.sleep(until: deadline, tolerance: tolerance)
      }
      try await base.sleep(until: now.advanced(by: step), tolerance: tolerance)
    }
  }
}
