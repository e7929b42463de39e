import Foundation

/// The delay before a retry: exponential, with jitter.
///
/// With the standard `base: 2s, factor: 2, max: 15m`:
///
/// | failed attempt | 1 | 2 | 3 | 4 | 10 | 11 |
/// |---|---|---|---|---|---|---|
/// | ceiling | 2 s | 4 s | 8 s | 16 s | 15 min | 15 min |
///
/// Full jitter draws uniformly between zero and the ceiling, so that events that failed together are not retried
/// together.
public struct Backoff: Sendable, Hashable {
  /// How the delay is drawn.
  public enum Jitter: String, Sendable, CaseIterable {
    /// Uniformly between zero and the ceiling.
    case full
    /// Always the ceiling.
    case none
  }

  /// The ceiling after the first failed attempt.
  public var base: Duration
  /// The factor that multiplies the ceiling after each further attempt.
  public var factor: Double
  /// The maximum ceiling.
  public var max: Duration
  /// How the delay is drawn below the ceiling.
  public var jitter: Jitter

  /// Creates a backoff.
  ///
  /// - Parameters:
  ///   - base: The ceiling after the first failed attempt.
  ///   - factor: The factor that multiplies the ceiling after each further attempt.
  ///   - max: The maximum ceiling.
  ///   - jitter: How the delay is drawn below the ceiling.
  public init(base: Duration, factor: Double, max: Duration, jitter: Jitter) {
    self.base = base
    self.factor = factor
    self.max = max
    self.jitter = jitter
  }

  /// The default of a route: 2 s, doubled up to 15 min, with full jitter.
  public static let standard = Backoff(base: .seconds(2), factor: 2, max: .seconds(900), jitter: .full)

  /// The maximum delay that a dependency can request: twelve hours, because SQS hides a message no longer than that.
  public static let retryAfterLimit = Duration.seconds(43_200)

  /// The delay after a failed attempt, in whole milliseconds.
  ///
  /// - Parameters:
  ///   - attempt: The number of the failed attempt, starting at 1.
  ///   - random: From 0 up to 1, excluding 1: the position of full jitter between zero and the ceiling.
  public func delay(afterAttempt attempt: Int, random: Double) -> Duration {
    let exponent = Double(Swift.max(attempt, 1) - 1)
    // A large attempt yields infinity, which min() limits.
    let ceiling = Swift.min(base.inSeconds * pow(factor, exponent), max.inSeconds)
    let seconds = jitter == .full ? ceiling * random : ceiling
    return .milliseconds(Int64((seconds * 1000).rounded()))
  }
}
