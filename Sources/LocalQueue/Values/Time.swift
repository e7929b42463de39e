import Foundation

/// Milliseconds since 1970, as SQS states times; what is stored must mean the same after a restart.
typealias Milliseconds = Int64

extension Milliseconds {
  /// A clock that begins with the time of day and then goes on steadily, whatever happens to the time of day.
  static func clock() -> @Sendable () -> Milliseconds {
    let start = (time: Milliseconds(Date().timeIntervalSince1970 * 1000), instant: ContinuousClock.now)
    return {
      let elapsed = start.instant.duration(to: .now).components
      return start.time + elapsed.seconds * 1000 + elapsed.attoseconds / 1_000_000_000_000_000
    }
  }

  static func seconds(_ seconds: Int) -> Milliseconds { Milliseconds(seconds) * 1000 }
}
