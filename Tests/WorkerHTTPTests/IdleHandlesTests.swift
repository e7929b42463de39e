import Testing

@testable import WorkerHTTP

@Suite("Idle handles")
struct IdleHandlesTests {
  private let start = ContinuousClock.now
  private let kept = IdleHandles<Int>.kept
  private let idleTime = IdleHandles<Int>.idleTime

  /// Whether handles were freed.
  private func frees(_ handles: inout IdleHandles<Int>, at now: ContinuousClock.Instant) -> Bool {
    handles.removeStale(at: now)
  }

  private func take(_ number: Int? = nil, from handles: inout IdleHandles<Int>) -> Int? {
    handles.take { number == nil || $0 == number }
  }

  private func handles(_ count: Int) -> IdleHandles<Int> {
    var handles = IdleHandles<Int>()
    for number in 0..<count { handles.add(number, at: start + .milliseconds(number)) }
    return handles
  }

  @Test("the latest that is ready for a request is taken, or else the latest")
  func take() {
    var handles = handles(4)
    #expect(take(2, from: &handles) == 2)
    #expect(take(2, from: &handles) == 3)
    #expect(take(from: &handles) == 1)
    #expect(take(from: &handles) == 0)
    #expect(take(from: &handles) == nil)
  }

  @Test("a few stay for ever; the others are freed when their idle time is over, those that are idle for longest first")
  func stale() throws {
    var few = handles(kept)
    #expect(few.nextEnd == nil)
    #expect(!frees(&few, at: start + .seconds(1000)))
    #expect(few.count == kept)

    var many = handles(kept + 3)
    #expect(many.nextEnd == start + idleTime)
    #expect(!frees(&many, at: start + idleTime - .milliseconds(1)))
    #expect(frees(&many, at: start + idleTime))
    #expect(many.count == kept + 2)
    #expect(many.nextEnd == start + idleTime + .milliseconds(1))
    #expect(frees(&many, at: start + .seconds(1000)))
    #expect(many.count == kept)
    #expect(take(from: &many) == kept + 2)
  }

  @Test("one that is used again is not idle: what a busy client uses stays")
  func busy() throws {
    var handles = handles(kept + 1)
    for second in 1...100 {
      let now = start + .seconds(second)
      for number in 0...kept {
        let handle = try #require(take(number, from: &handles))
        handles.add(handle, at: now)
      }
      #expect(!frees(&handles, at: now))
    }
  }
}
