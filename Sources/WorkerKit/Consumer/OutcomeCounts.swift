/// How many messages ended how, for a summary.
public final class OutcomeCounts: Sendable {
  private let counts = AsyncValue<[String: Int]>([:])

  func add(_ outcome: String) {
    counts.update { $0[outcome, default: 0] += 1 }
  }

  /// By outcome: `handled`, `retried`, `dead-lettered`, `released`, `left`, `lost`, `unsettled`.
  public var outcomes: [String: Int] { counts.value }

  /// Waits until the counts meet a condition.
  func wait(until condition: @escaping @Sendable ([String: Int]) -> Bool) async throws {
    try await counts.wait(until: condition)
  }
}
