/// Runs a plugin's health check: one call at a time, with a timeout.
final class HealthCheck: Sendable {
  static let limit = Duration.seconds(10)

  private enum Run: Sendable {
    case none, underWay, ended(problem: String?)
  }

  private let check: @Sendable () async throws -> Void
  private let run = AsyncValue(Run.none)

  init(_ check: @escaping @Sendable () async throws -> Void) {
    self.check = check
  }

  /// Runs the check.
  ///
  /// - Returns: The problem; nil if the plugin is healthy.
  func run(_ clock: WorkerClock) async -> String? {
    let mayBegin = run.update { run in
      if case .underWay = run { return false }
      run = .underWay
      return true
    }
    // A check that ignores its cancellation is not started a second time while it runs.
    guard mayBegin else { return "its last check has not ended yet" }
    // The check runs a plugin's code, so it uses Swift's pool. It is not a child task: the wait for a child that
    // ignores its cancellation would never end.
    let task = Task { [check, run] in
      let problem: String?
      do {
        try await check()
        problem = nil
      } catch {
        problem = TerminalText.line(String(describing: error), limit: 500)
      }
      run.update { $0 = .ended(problem: problem) }
    }
    let isOver = await clock.isMet(within: Self.limit) { [run] in
      try await run.wait { if case .ended = $0 { true } else { false } }
    }
    guard isOver, case .ended(let problem) = run.value else {
      task.cancel()
      return "its check took longer than \(Int(Self.limit.inSeconds)) s"
    }
    return problem
  }
}
