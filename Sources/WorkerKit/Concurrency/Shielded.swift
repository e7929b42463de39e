/// Runs an operation to its end even if the surrounding task is cancelled. Use it for work that must not be
/// interrupted, such as the settlement of handled messages. The operation is awaited, so it cannot leak.
package func shieldedFromCancellation<Result: Sendable>(
  _ operation: @escaping @Sendable () async -> Result
) async -> Result {
  await Task(executorPreference: WorkerThread.shared) { await operation() }.value
}

extension WorkerClock {
  /// Waits for an event with a time limit. The wait continues even if the task is cancelled.
  ///
  /// - Returns: Whether `wait` returned in time. If `wait` throws, the result is false.
  package func isMet(within limit: Duration, _ wait: @escaping @Sendable () async throws -> Void) async -> Bool {
    await shieldedFromCancellation {
      await withTaskGroup(of: Bool.self) { group in
        group.addTask { (try? await wait()) != nil }
        group.addTask { (try? await self.sleep(for: limit)) == nil }
        let first = await group.next() ?? false
        group.cancelAll()
        return first
      }
    }
  }
}
