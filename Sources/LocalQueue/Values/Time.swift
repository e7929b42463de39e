import Foundation

/// Milliseconds since 1970, as in SQS. Stored values must keep their meaning after a restart.
typealias Milliseconds = Int64

extension Milliseconds {
  /// Returns a clock that starts at the time of day and then advances steadily, regardless of changes to the time of
  /// day.
  static func clock() -> @Sendable () -> Milliseconds {
    let start = (time: Milliseconds(Date().timeIntervalSince1970 * 1000), instant: ContinuousClock.now)
    return {
      let elapsed = start.instant.duration(to: .now).components
      return start.time + elapsed.seconds * 1000 + elapsed.attoseconds / 1_000_000_000_000_000
    }
  }

  static func seconds(_ seconds: Int) -> Milliseconds { Milliseconds(seconds) * 1000 }
}
