import TestSupport
import Testing
import WorkerLocks
import WorkerTesting

@testable import WorkerKit

@Suite("The timeout of a handler", .timeLimit(.minutes(20)))
struct HandlerCallTests {
  @Test("it is paused while the handler waits for other events, and continues afterwards")
  func pauses() async throws {
    let clock = ManualClock()
    let workerClock = WorkerClock(clock)
    let deadlines = TimerQueue(clock: workerClock)
    let context = HandlerContext(eventType: "GREETED", messageID: "m-1", logger: quietLogger)
    let timeout = HandlerCall(context: context, limit: .seconds(20), clock: workerClock, deadlines: deadlines)
    timeout.resume()
    clock.advance(by: .seconds(5))
    #expect(timeout.timeLeft == .seconds(15))
    timeout.pause()
    clock.advance(by: .seconds(100))
    #expect(timeout.timeLeft == .seconds(15))
    // A nested wait.
    timeout.pause()
    timeout.resume()
    clock.advance(by: .seconds(100))
    #expect(timeout.timeLeft == .seconds(15))
    timeout.resume()
    clock.advance(by: .seconds(14))
    #expect(timeout.timeLeft == .seconds(1))
    await deadlines.watching {
      try? await clock.untilSleeping(for: .seconds(1))
      #expect(!timeout.isTimedOut)
      clock.advance(by: .seconds(1))
      try? await yieldUntil { timeout.isTimedOut }
    }
    #expect(timeout.timeLeft == .zero)
  }

  @Test("it ends permanently with the handler")
  func ended() async throws {
    let clock = WorkerClock(ManualClock())
    let deadlines = TimerQueue(clock: clock)
    let context = HandlerContext(eventType: "GREETED", messageID: "m-1", logger: quietLogger)
    let kept = Mutex<HandlerContext?>(nil)
    #expect(context.deadline == nil)
    let call = HandlerCall(context: context, limit: .seconds(300), clock: clock, deadlines: deadlines)
    try await call.run(on: EventBody([])) { _, context in
      #expect(context.deadline != nil)
      await context.withoutTimeout {}
      kept.withLock { $0 = context }
    }
    let after = try #require(kept.withLock { $0 })
    #expect(after.deadline == nil)
    await after.withoutTimeout {}
  }

  @Test("a handler's own cancellation handler may ask for the deadline")
  func cancellationHandler() async throws {
    let clock = WorkerClock(ManualClock())
    let context = HandlerContext(eventType: "GREETED", messageID: "m-1", logger: quietLogger)
    let call = HandlerCall(
      context: context, limit: .seconds(300), clock: clock, deadlines: TimerQueue(clock: clock))
    let gate = Gate()
    let asked = AsyncValue(false)
    let handling = Task {
      try await call.run(on: EventBody([])) { _, context in
        try await withTaskCancellationHandler {
          try await gate.pass()
        } onCancel: {
          let deadline = context.deadline
          asked.update { $0 = deadline != nil }
        }
      }
    }
    try await gate.untilArrived()
    handling.cancel()
    _ = await handling.result
    #expect(asked.value)
  }
}
