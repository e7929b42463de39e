@testable import WorkerKit

extension Deadlines {
  /// Keeps the deadlines while a body runs that may fail.
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
