import Foundation

/// Milliseconds since 1970, as SQS states times; what is stored must mean the same after a restart.
typealias Milliseconds = Int64

extension Milliseconds {
  static var now: Milliseconds { Milliseconds(Date().timeIntervalSince1970 * 1000) }

  static func seconds(_ seconds: Int) -> Milliseconds { Milliseconds(seconds) * 1000 }
}
