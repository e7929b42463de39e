@testable import WorkerKit

extension TimerQueue {
  /// Runs due timers while a body runs, which may throw.
  func keeping(_ body: () async throws -> Void) async throws {
    let failure = await watching { () async -> (any Error)? in
      do {
        try await body()
        return nil
      } catch {
        return error
      }
    }
    if let failure { throw failure }
  }
}
