import Foundation
import GRDB
import NIOCore

/// Why the local queue cannot start, and how to fix it.
public struct LocalQueueError: Error, CustomStringConvertible {
  /// The cause and the remedy.
  public let description: String

  init(_ description: String) {
    self.description = description
  }

  init(isInUse directory: String) {
    self.init(
      "another process, perhaps `worker dev` or another local queue, is using \(directory); use that one's queues, or choose another directory with --data and another port with --port"
    )
  }

  init(cannotUse path: String, _ error: any Error) {
    self.init("cannot use \(path): \(Self.advice(for: error))")
  }

  private static func advice(for error: any Error) -> String {
    guard let error = error as? DatabaseError else {
      return "it is damaged (\(error)); move it away, or choose another directory with --data"
    }
    let reason = error.message ?? "\(error.resultCode)"
    return switch error.resultCode {
    case .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM:
      "this user may not write there (\(reason)); change its permissions, or choose another directory with --data"
    case .SQLITE_NOTADB, .SQLITE_CORRUPT:
      "it is damaged, or no database (\(reason)); move it away, or choose another directory with --data"
    case .SQLITE_FULL:
      "the disk is full; free some space, or choose another directory with --data"
    default:
      "\(reason); see whether its disk is read-only or broken, or choose another directory with --data"
    }
  }

  init(cannotListenOn host: String, port: Int, _ error: IOError) {
    switch error.errnoCode {
    case EADDRINUSE:
      self.init(
        "port \(port) of \(host) is taken, perhaps by another local queue; stop that, or choose another port with --port (0 takes any that is free)"
      )
    case EACCES:
      self.init("this user may not listen on port \(port); choose one above 1023 with --port")
    default:
      self.init("cannot listen on \(host), port \(port): \(error); choose an address of this machine with --host")
    }
  }
}
