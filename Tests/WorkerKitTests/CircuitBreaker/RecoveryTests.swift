import Testing

@testable import WorkerKit

/// What fails after an outage, and began in it.
@Suite("Recovery of a circuit breaker")
struct RecoveryTests {
  private let failure = HandlingFailure(kind: .unavailable, message: "timeout expired", settlement: .deadLetter)

  @Test("an event that began before the end of an outage and fails after it comes again", arguments: [true, false])
  func late(isOpenedByCheck: Bool) {
    var state = BreakerState(hasCheck: isOpenedByCheck)
    let early = state.permit
    _ = state.record(.failed(failure, messageID: "first"), of: early, at: .zero)
    let inDoubt = state.permit
    if isOpenedByCheck {
      #expect(state.nextStep(at: .zero) == .check)
      state.endCheck("down", at: .seconds(1))
      state.endCheck(.some(nil), at: .seconds(2))
    } else {
      _ = state.record(.failed(failure, messageID: "second"), of: early, at: .zero)
      _ = state.nextStep(at: CircuitBreaker.patience)
      #expect(state.problem != nil)
      _ = state.record(.handled, of: .probe, at: .seconds(11))
    }
    #expect(state.problem == nil)
    for permit in [early, inDoubt] {
      let verdict = state.record(.failed(failure, messageID: "late"), of: permit, at: .seconds(12))
      guard case .again = verdict else {
        Issue.record("\(verdict)")
        continue
      }
    }
    // It is no sign of another outage.
    #expect(state.isUntroubled)
    // The next time it counts.
    let verdict = state.record(.failed(failure, messageID: "late"), of: state.permit, at: .seconds(13))
    guard case .undecided = verdict else {
      Issue.record("\(verdict)")
      return
    }
  }
}
