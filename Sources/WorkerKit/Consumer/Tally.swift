/// How many messages ended how, for a summary.
public final class Tally: Sendable {
  private let counts = Locked<[String: Int]>([:])

  func add(_ outcome: String) {
    counts.withLock { $0[outcome, default: 0] += 1 }
  }

  /// By outcome: `handled`, `retried`, `dead-lettered`, `released`, `left`, `lost`.
  public var outcomes: [String: Int] { counts.withLock { $0 } }
}
