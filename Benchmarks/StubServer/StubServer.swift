import Foundation
import NIOCore
import NIOPosix

/// A queue that costs several times less than whoever reads it, so that the reader is what is measured.
///
/// It speaks as much of SQS as a consumer needs, in AWS JSON 1.0 and in the older Query protocol, hands out as many messages
/// as it is told to, and counts what becomes of them. It checks no signature, keeps nothing, and listens on loopback alone.
/// ``Control`` says how it is told and asked.
@main struct StubServer {
  static func main() async throws {
    let loop = MultiThreadedEventLoopGroup(numberOfThreads: 1).next()
    let queue = try await loop.submit { NIOLoopBound(try StubQueue(), eventLoop: loop) }.get()
    let channel = try await ServerBootstrap(group: loop)
      .serverChannelOption(.backlog, value: 4096)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(Connection(queue: queue.value))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    print("The stub listens on http://127.0.0.1:\(channel.localAddress?.port ?? 0)")
    fflush(nil)
    try await channel.closeFuture.get()
  }
}
