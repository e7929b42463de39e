import Foundation

/// A port that never takes a connection, as an address does that nothing is at: its backlog is full.
package final class SilentPort: Sendable {
  package let port: Int
  private let sockets: [Int32]

  package init() throws {
    #if canImport(Darwin)
      let stream = SOCK_STREAM
    #else
      let stream = Int32(SOCK_STREAM.rawValue)
    #endif
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let sockets = (0..<5).map { _ in socket(AF_INET, stream, 0) }
    let listener = sockets[0]
    withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        _ = bind(listener, address, length)
        _ = listen(listener, 0)
        _ = getsockname(listener, address, &length)
        for other in sockets.dropFirst() {
          _ = fcntl(other, F_SETFL, O_NONBLOCK)
          _ = connect(other, address, length)
        }
      }
    }
    self.sockets = sockets
    port = Int(UInt16(bigEndian: address.sin_port))
    guard port > 0 else { throw CocoaError(.fileReadUnknown) }
  }

  deinit {
    for socket in sockets { close(socket) }
  }

  package var url: String { "http://127.0.0.1:\(port)/" }
}
