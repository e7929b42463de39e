import Foundation
import GRDB
import Hummingbird
public import Logging
import NIOCore
import NIOPosix
public import ServiceLifecycle

/// An SQS-compatible server, durable on SQLite, for development and tests.
///
/// It speaks AWS JSON 1.0 and the older Query protocol, takes any credentials, and listens on loopback unless told
/// otherwise. What it has acknowledged survives the death of its process and, unless ``Configuration/syncsToDisk`` is
/// false, of the machine.
///
///     let server = LocalQueueServer(configuration: .init(directory: ".worker"), logger: logger)
///     try await server.run()
public struct LocalQueueServer: Service {
  public struct Configuration: Sendable {
    /// An address of this machine: a name or a number. Anyone who can reach it can use the queues.
    public var host = "127.0.0.1"
    /// 0 takes any port that is free; ``LocalQueueServer/init(configuration:logger:onReady:)`` tells which.
    public var port = 4566
    /// Where `queues.sqlite` is, or will be.
    public var directory: String
    /// Twelve digits, for queue URLs and ARNs.
    public var account = "000000000000"
    /// Whether an acknowledgement waits for the disk. Without that, a power cut can cost the last seconds.
    public var syncsToDisk = true

    public init(directory: String) {
      self.directory = directory
    }
  }

  private let configuration: Configuration
  private let logger: Logger
  private let onReady: @Sendable (_ endpoint: String) async -> Void

  /// - Parameter onReady: Called with `http://HOST:PORT` once clients can connect.
  public init(
    configuration: Configuration, logger: Logger,
    onReady: @escaping @Sendable (_ endpoint: String) async -> Void = { _ in }
  ) {
    self.configuration = configuration
    self.logger = logger
    self.onReady = onReady
  }

  /// Serves until a graceful shutdown, which ends waiting receives at once and lets other requests finish.
  ///
  /// - Throws: a ``LocalQueueError`` that says what keeps it from starting.
  public func run() async throws {
    let database = try QueueDatabase.open(in: configuration.directory, syncsToDisk: configuration.syncsToDisk)
    let loop = CommitLoop(database: database, account: configuration.account, logger: logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await loop.run() }
      group.addTask {
        defer { loop.close() }
        try await withTaskCancellationHandler {
          try await withGracefulShutdownHandler {
            try await serve(loop)
          } onGracefulShutdown: {
            loop.endWaits()
          }
        } onCancel: {
          loop.endWaits()
        }
      }
      try await group.waitForAll()
    }
    try database.close()
  }

  private func serve(_ loop: CommitLoop) async throws {
    // One thread keeps up with the disk's; more would take turns with each other.
    let eventLoop = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    do {
      try await serve(loop, on: eventLoop)
    } catch {
      try await eventLoop.shutdownGracefully()
      throw error
    }
    try await eventLoop.shutdownGracefully()
  }

  private func serve(_ loop: CommitLoop, on eventLoop: MultiThreadedEventLoopGroup) async throws {
    let endpoint = Endpoint(
      loop: loop, address: "http://\(configuration.host):\(configuration.port)",
      isLoopback: configuration.host == "localhost" || configuration.host == "::1"
        || configuration.host.hasPrefix("127."))
    let application = Application(
      responder: endpoint,
      server: .http1(configuration: .init(additionalChannelHandlers: [HangUpHandler()])),
      configuration: .init(
        address: .hostname(configuration.host, port: configuration.port),
        serverName: nil),
      onServerRunning: { channel in
        let port = channel.localAddress?.port ?? configuration.port
        let host = configuration.host.contains(":") ? "[\(configuration.host)]" : configuration.host
        await onReady("http://\(host):\(port)")
      },
      eventLoopGroupProvider: .shared(eventLoop),
      logger: logger)
    do {
      try await application.run()
    } catch let error as IOError {
      throw LocalQueueError(cannotListenOn: configuration.host, port: configuration.port, error)
    }
  }
}

/// Closes a connection whose client has hung up, so that a receive that waits for it is handed nothing.
private final class HangUpHandler: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = NIOAny
  typealias InboundOut = NIOAny

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    context.fireChannelRead(data)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event as? ChannelEvent == .inputClosed { context.close(promise: nil) }
    context.fireUserInboundEventTriggered(event)
  }
}
