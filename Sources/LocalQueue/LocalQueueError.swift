import Foundation
import NIOCore

/// Why the local queue cannot start, and what to do about it.
public struct LocalQueueError: Error, CustomStringConvertible {
  public let description: String

  init(_ description: String) {
    self.description = description
  }

  init(cannotRead path: String, _ error: any Error) {
    self.init(
      "cannot go on with \(path): \(error); if it is damaged, move it away, or choose another directory with --data")
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
