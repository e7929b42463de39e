import TestSupport
import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("Waiting until a time", .timeLimit(.minutes(20)))
struct WaitingTests {
  let clock = RestlessClock()

  @Test("a receive waits until its time is over, even if the clock advances before it sleeps")
  func receive() async throws {
    let queue = InMemoryQueue("events", clock: WorkerClock(clock))
    clock.start()
    #expect(try await queue.receive(maxMessages: 1, waitTime: .seconds(20), visibilityTimeout: .zero).isEmpty)
    #expect(clock.sleeps.all == [.seconds(20)])
  }

  @Test("a receive waits until a message is visible again, even if the clock advances before it sleeps")
  func visibility() async throws {
    let queue = InMemoryQueue("events", clock: WorkerClock(clock))
    queue.put(OutgoingMessage(body: ConsumerHarness.greeting))
    _ = try await queue.receive(maxMessages: 1, waitTime: .zero, visibilityTimeout: .seconds(5))
    clock.start()
    let again = try await queue.receive(maxMessages: 1, waitTime: .seconds(20), visibilityTimeout: .zero)
    #expect(again.count == 1)
    #expect(clock.sleeps.all == [.seconds(5)])
  }

  @Test("a timer runs at its time, even if the clock advances before the queue sleeps")
  func deadline() async {
    let deadlines = TimerQueue(clock: WorkerClock(clock))
    let isOver = AsyncValue(false)
    deadlines.set(at: .seconds(20)) { isOver.update { $0 = true } }
    clock.start()
    await deadlines.watching { _ = try? await isOver.wait { $0 } }
    #expect(clock.sleeps.all == [.seconds(20)])
  }
}

/// A clock that advances by a second after each read, as if a test advanced it at that moment.
struct RestlessClock: Clock {
  private static let beginning = ManualClock().now

  private let hands = ManualClock()
  private let isRunning = AsyncValue(false)
  /// The end of the longest sleep, relative to the start.
  let sleeps = Record<Swift.Duration>()

  func start() {
    isRunning.update { $0 = true }
  }

  var minimumResolution: Swift.Duration { hands.minimumResolution }

  var now: ManualClock.Instant {
    defer { if isRunning.value { hands.advance(by: .seconds(1)) } }
    return hands.now
  }

  func sleep(until deadline: ManualClock.Instant, tolerance: Swift.Duration?) async throws {
    sleeps.add(Self.beginning.duration(to: deadline))
    hands.advance(by: max(.zero, hands.now.duration(to: deadline)))
  }
}
