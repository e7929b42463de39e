import Foundation

/// How long to wait before another try: exponential, with jitter.
///
/// With the standard `base: 2s, factor: 2, max: 15m`:
///
/// | attempt that failed | 1 | 2 | 3 | 4 | 10 | 11 |
/// |---|---|---|---|---|---|---|
/// | ceiling | 2 s | 4 s | 8 s | 16 s | 15 min | 15 min |
///
/// Full jitter draws evenly between zero and the ceiling, so that what failed together does not come back together.
public struct Backoff: Sendable, Hashable {
  public enum Jitter: String, Sendable, CaseIterable {
    case full
    case none
  }

  public var base: Duration
  public var factor: Double
  public var max: Duration
  public var jitter: Jitter

  public init(base: Duration, factor: Double, max: Duration, jitter: Jitter) {
    self.base = base
    self.factor = factor
    self.max = max
    self.jitter = jitter
  }

  public static let standard = Backoff(base: .seconds(2), factor: 2, max: .seconds(900), jitter: .full)

  /// The wait after the `attempt`-th try failed, to the millisecond.
  ///
  /// - Parameters:
  ///   - attempt: 1 for the first.
  ///   - random: From 0 up to 1; where between zero and the ceiling full jitter falls.
  public func delay(afterAttempt attempt: Int, random: Double) -> Duration {
    let exponent = Double(Swift.max(attempt, 1) - 1)
    // Infinity for a large attempt, which min() brings back.
    let ceiling = Swift.min(base.inSeconds * pow(factor, exponent), max.inSeconds)
    let seconds = jitter == .full ? ceiling * random : ceiling
    return .milliseconds(Int64((seconds * 1000).rounded()))
  }
}
