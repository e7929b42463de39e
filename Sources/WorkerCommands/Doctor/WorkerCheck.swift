import WorkerKit

/// Reports why a running worker is not ready, for example because a destination rejects its credentials.
struct WorkerCheck {
  let worker: RunningWorker

  /// Runs the check.
  ///
  /// - Returns: An empty list if no worker responds, because the worker may run elsewhere or not be started yet.
  func findings() async -> [Finding] {
    guard let readiness = await worker.readiness() else { return [] }
    guard !readiness.reasons.isEmpty else { return [.ok("the worker at \(worker.address) is ready")] }
    let findings = readiness.reasons.map { "the worker at \(worker.address) is not ready: \($0)" }
    // A worker that starts or stops, or whose queue does not answer, may be ready in a moment. The reasons that concern
    // plugins are the last.
    let others = findings.dropLast(readiness.plugins.count)
    return others.map { .warning($0) } + findings[others.endIndex...].map { .wrong($0) }
  }
}
