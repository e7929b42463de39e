import Foundation
import WorkerKit
import WorkerLocks

/// The doctor's findings, at most a minute old while a page is open.
final class Diagnosis: Sendable {
  private static let freshness: TimeInterval = 60

  private struct State {
    var findings: [ConsoleFinding] = []
    var time: Date?
    var isRunning = false
  }

  private let source: ConsoleSource
  private let state = Mutex(State())

  init(_ source: ConsoleSource) {
    self.source = source
  }

  /// What was found last, and when; begins a new examination when that is old.
  func latest(_ work: BackgroundWork, isAnew: Bool = false) -> (findings: [ConsoleFinding], time: Date?) {
    let (isDue, result) = state.withLock { state in
      let isDue = !state.isRunning && (isAnew || state.time.map { -$0.timeIntervalSinceNow > Self.freshness } ?? true)
      if isDue { state.isRunning = true }
      return (isDue, (state.findings, state.time))
    }
    if isDue {
      work.begin { [self] in
        let findings = await source.diagnose()
        state.withLock { $0 = State(findings: findings, time: Date()) }
      }
    }
    return result
  }
}
