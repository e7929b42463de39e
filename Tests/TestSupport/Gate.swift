import WorkerKit

/// A gate that a handler waits at until the test opens it.
package final class Gate: Sendable {
  private let state = AsyncValue((arrived: 0, isOpen: false))

  package init() {}

  package func pass() async throws {
    state.update { $0.arrived += 1 }
    try await state.wait { $0.isOpen }
  }

  /// Passes whether cancelled or not.
  package func passStubbornly() async {
    await shieldedFromCancellation { try? await self.pass() }
  }

  package func untilArrived(_ count: Int = 1) async throws {
    try await state.wait { $0.arrived >= count }
  }

  package func open() {
    state.update { $0.isOpen = true }
  }

  package func close() {
    state.update { $0.isOpen = false }
  }
}
