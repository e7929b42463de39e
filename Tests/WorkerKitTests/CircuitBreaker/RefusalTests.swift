import Testing

@testable import WorkerKit

@Suite("A dependency that refuses the worker")
struct RefusalTests {
  private let ordinary = CircuitBreaker.Permit.ordinary(streak: 0)

  private func refused(_ refusal: DependencyRefusal) -> CircuitBreaker.Outcome {
    .refused(
      HandlingFailure(kind: .badRequest, message: "bot.example said no", refusal: refusal, settlement: .deadLetter))
  }

  private func note(
    _ outcome: CircuitBreaker.Outcome, in state: inout BreakerState, of permit: CircuitBreaker.Permit? = nil
  ) -> Bool {
    if case .again = state.record(outcome, of: permit ?? ordinary, at: .zero) { true } else { false }
  }

  @Test("a dependency that is gone opens the circuit breaker at once, and the event that detected it waits")
  func gone() {
    var state = BreakerState(hasCheck: false)
    #expect(note(refused(.gone), in: &state))
    #expect(state.problem?.contains("bot.example said no") == true)
    #expect(state.problem?.contains("restarted") == true)
  }

  @Test("a dependency that rejects the credentials opens it after five errors in a row; the first four are settled")
  func unauthorized() {
    var state = BreakerState(hasCheck: false)
    for _ in 1...4 {
      let waits = note(refused(.unauthorized), in: &state)
      #expect(!waits)
      #expect(state.problem == nil)
    }
    #expect(note(refused(.unauthorized), in: &state))
    #expect(state.problem != nil)
  }

  @Test("an event that is handled in between resets the count")
  func interrupted() {
    var state = BreakerState(hasCheck: false)
    for _ in 1...4 { _ = note(refused(.unauthorized), in: &state) }
    #expect(!state.isUntroubled)
    _ = note(.handled, in: &state)
    #expect(state.isUntroubled)
    for _ in 1...4 { _ = note(refused(.unauthorized), in: &state) }
    #expect(state.problem == nil)
  }

  @Test("an error by which the dependency has answered otherwise resets it, too; one without an answer does not")
  func answeredOtherwise() {
    var state = BreakerState(hasCheck: false)
    func failure(_ kind: ErrorKind) -> CircuitBreaker.Outcome {
      .failed(HandlingFailure(kind: kind, message: "down", settlement: .retry(after: .zero)), messageID: "m")
    }
    for other in [failure(.unavailable), failure(.throttled), .eventFailed] {
      for _ in 1...4 { _ = note(refused(.unauthorized), in: &state) }
      _ = note(other, in: &state)
      #expect(state.problem == nil)
    }
    for other in [failure(.network), failure(.timeout), .other] {
      for _ in 1...4 { _ = note(refused(.unauthorized), in: &state) }
      _ = note(other, in: &state)
      _ = note(refused(.unauthorized), in: &state)
      #expect(state.problem != nil)
      state = BreakerState(hasCheck: false)
    }
  }

  @Test("nothing closes it: no event in flight, no check, no probe, no time")
  func forGood() {
    var state = BreakerState(hasCheck: true)
    _ = note(refused(.gone), in: &state)
    let problem = state.problem
    let failure = HandlingFailure(kind: .unavailable, message: "down", settlement: .retry(after: .zero))
    _ = note(.handled, in: &state)
    _ = note(.handled, in: &state, of: .probe)
    #expect(note(refused(.unauthorized), in: &state))
    #expect(note(.failed(failure, messageID: "m"), in: &state))
    #expect(note(.failed(failure, messageID: "m"), in: &state, of: .probe))
    state.endCheck(.some(nil), at: .seconds(1))
    #expect(state.nextStep(at: .seconds(100_000)) == .wait(until: nil))
    #expect(!state.wantsProbe)
    #expect(state.problem == problem)
  }
}
