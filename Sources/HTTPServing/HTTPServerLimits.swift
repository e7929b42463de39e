import Foundation
public import NIOCore

/// The limits of a server for its clients.
public struct HTTPServerLimits: Sendable {
  /// The maximum number of open connections. At the limit, the connection that has waited longest for its client is
  /// closed for a new one.
  public var connections: Int
  /// The maximum size of a body in bytes. If a client announces more, the server does not send `100 Continue`, and the
  /// responder rejects the request.
  public var bodySize: Int
  /// The maximum time until the whole head of a connection's next request has arrived.
  public var head = TimeAmount.seconds(60)
  /// The maximum time for the rest of a body to arrive, or for a response to be read; plus one second for each 4 KiB.
  public var transfer = TimeAmount.seconds(30)
  /// The maximum number of bytes held for incomplete bodies and unread responses. Above it, the connections that hold
  /// the most are closed within one second.
  public var heldBytes = 256 << 20
  /// The time from a graceful shutdown until open connections are closed. It is also the time for which a client that
  /// still sends is read when its connection ends, so that it receives the response.
  public var closing = TimeAmount.seconds(5)

  /// Creates limits with the default time limits.
  public init(connections: Int, bodySize: Int) {
    self.connections = connections
    self.bodySize = bodySize
  }

  /// The limits with fewer connections if the process may not open enough file descriptors, some of which it needs
  /// itself.
  func fitting(descriptors: Int) -> HTTPServerLimits {
    var limits = self
    limits.connections = min(connections, max(8, descriptors - 64))
    return limits
  }

  /// The time limit for a number of bytes. Transferring a few bytes at a time does not extend it.
  func transfer(of bytes: Int) -> TimeAmount {
    transfer + .milliseconds(Int64(bytes) * 1000 / 4096)
  }
}
