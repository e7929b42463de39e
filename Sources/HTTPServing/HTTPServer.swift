import Foundation
import HTTPTypes
public import HummingbirdCore
public import Logging
public import NIOCore
import NIOHTTP1
import NIOPosix
public import ServiceLifecycle

/// An HTTP/1.1 server that stays available regardless of its clients' connections, and that stops within a time limit.
///
/// A connection that waits for its client has a time limit, whether for the next request, the rest of a body, or the
/// reading of a response. If the server has reached its connection limit, such a connection is closed for a new one. A
/// connection that waits for the server, such as a long poll, has no limit and is not closed.
///
/// In a graceful shutdown, requests have ``HTTPServerLimits/closing`` to finish; then their connections are closed.
public struct HTTPServer: Service {
  /// Responds to a request on a connection. If it throws, the response is status 500.
  public typealias Responder = @Sendable (Request, any Channel) async throws -> Response

  private let host: String
  private let port: Int
  private let limits: HTTPServerLimits
  private let logger: Logger
  private let channelHandlers: @Sendable () -> [any RemovableChannelHandler]
  private let onListening: @Sendable (_ port: Int) async -> Void
  private let respond: Responder

  /// Creates a server.
  ///
  /// - Parameters:
  ///   - port: The port; 0 selects any free port.
  ///   - channelHandlers: Handlers for each connection, between HTTP's parts and the responder.
  ///   - onListening: Called with the actual port once clients can connect.
  public init(
    host: String, port: Int, limits: HTTPServerLimits, logger: Logger,
    channelHandlers: @escaping @Sendable () -> [any RemovableChannelHandler] = { [] },
    onListening: @escaping @Sendable (_ port: Int) async -> Void,
    respond: @escaping Responder
  ) {
    self.host = host
    self.port = port
    self.limits = limits.fitting(descriptors: sysconf(Int32(_SC_OPEN_MAX)))
    // Hummingbird's own log lines concern server developers.
    var quiet = logger
    quiet.logLevel = max(logger.logLevel, .warning)
    self.logger = quiet
    self.channelHandlers = channelHandlers
    self.onListening = onListening
    self.respond = respond
  }

  /// The event loops of all servers, for the lifetime of the process. Hummingbird uses them even after a server has
  /// ended.
  private static let eventLoops = MultiThreadedEventLoopGroup(numberOfThreads: 1)

  /// An executor that runs a server on its event loop only, so that it responds even if all threads of Swift's pool are
  /// blocked. Use it for responders that respond at once: while one waits, all clients wait.
  public static let executor: any TaskExecutor = EventLoopExecutor(eventLoops)

  /// An executor with threads of its own for responses that take a while to make. It works while all threads of Swift's
  /// pool are blocked, and does not delay ``executor``.
  public static let pageExecutor: any TaskExecutor = EventLoopExecutor(MultiThreadedEventLoopGroup(numberOfThreads: 2))

  /// Listens briefly, to detect before the start that the server cannot listen.
  ///
  /// - Throws: The error that ``run()`` would throw.
  public static func check(host: String, port: Int) async throws {
    let bootstrap = ServerBootstrap(group: eventLoops).serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
    try await bootstrap.bind(host: host, port: port).get().close()
  }

  /// Serves requests until a graceful shutdown.
  ///
  /// - Throws: `IOError` or `SocketAddressError.UnknownHost` if the server cannot listen.
  public func run() async throws {
    let connections = NIOLoopBoundBox.makeBoxSendingValue(
      OpenConnections(limits), eventLoop: Self.eventLoops.next())
    let http = HTTP1Channel(
      responder: { request, writer, channel in try await answer(request, writer, channel) },
      configuration: .init(additionalChannelHandlers: channelHandlers()))
    let server = Server(
      childChannelSetup: BoundedChannel(http: http, connections: connections),
      configuration: ServerConfiguration(
        address: .hostname(host, port: port),
        availableConnectionsDelegate: ConnectionLimit(connections: connections)),
      onServerRunning: { channel in await onListening(channel.localAddress?.port ?? port) },
      eventLoopGroup: Self.eventLoops,
      logger: logger)
    try await server.run()
  }

  private func answer(_ request: Request, _ writer: consuming ResponseWriter, _ channel: any Channel) async throws {
    if request.headers[.expect]?.lowercased() == "100-continue",
      request.headers[.contentLength].flatMap(Int.init) ?? 0 <= limits.bodySize
    {
      try await writer.writeInformationalHead(.init(status: .continue))
    }
    let response: Response
    do {
      response = try await respond(request, channel)
    } catch let error as HTTPParserError {
      // Hummingbird sends the response and closes the connection.
      throw error
    } catch {
      logger.debug("a request failed", metadata: ["error": "\(error)"])
      response = Response(status: .internalServerError)
    }
    do {
      try await writer.write(response: response.head, body: response.body)
    } catch is HTTPParserError {
      // The response has started, so an error response is not possible.
      throw CancellationError()
    }
  }
}

/// Hummingbird's HTTP/1.1 channel, with a ``ConnectionHandler`` for each connection.
private struct BoundedChannel: ServerChildChannel {
  let http: HTTP1Channel
  let connections: NIOLoopBoundBox<OpenConnections>

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
    http.setup(channel: channel, logger: logger).flatMapThrowing { value in
      let pipeline = channel.pipeline.syncOperations
      let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
      try pipeline.addHandler(ConnectionHandler(connections.value), position: .after(decoder))
      return value
    }
  }

  func handle(value: HTTP1Channel.Value, logger: Logger) async {
    await http.handle(value: value, logger: logger)
  }
}

/// Accepts connections while the limit is not reached, or while another connection can be closed.
private struct ConnectionLimit: AvailableConnectionsDelegate {
  let connections: NIOLoopBoundBox<OpenConnections>

  // Connections are counted by their handlers.
  func connectionOpened() {}
  func connectionClosed() {}

  func isAcceptingNewConnections() -> Bool { connections.value.mayAccept() }
}
