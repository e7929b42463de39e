import Foundation
import Hummingbird
public import Logging
import NIOCore
import NIOPosix
public import ServiceLifecycle
public import WorkerKit

/// Serves `/metrics`, `/health/live` and `/health/ready`, and nothing that changes anything.
///
/// In a service group it comes first, so that it ends last: readiness says that the worker stops while it does.
public struct AdminServer: Service {
  /// A text, and what kind of text it is.
  public struct Page: Sendable {
    public var contentType: String
    public var text: String

    public init(contentType: String, text: String) {
      self.contentType = contentType
      self.text = text
    }
  }

  /// Scrapers and probes are few, and short.
  private static let connectionLimit = 64
  private static let idleTimeout = TimeAmount.seconds(60)

  private let configuration: AdminConfiguration
  private let pages: AdminPages
  private let logger: Logger

  /// - Parameters:
  ///   - consumers: Those of the process, at the moment.
  ///   - metrics: All metrics, in a format that an `Accept` header asks for.
  public init(
    configuration: AdminConfiguration,
    consumers: @escaping @Sendable () -> [ConsumerStatus],
    metrics: @escaping @Sendable (_ accept: String?) -> Page,
    logger: Logger
  ) {
    self.configuration = configuration
    self.logger = logger
    let isLoopback = ["localhost", "::1"].contains(configuration.host) || configuration.host.hasPrefix("127.")
    pages = AdminPages(consumers: consumers, metrics: metrics, isLoopback: isLoopback)
  }

  /// Serves until a graceful shutdown.
  ///
  /// - Throws: an ``AdminServerError`` that says why it cannot listen.
  public func run() async throws {
    let eventLoop = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let result: Result<Void, any Error>
    do {
      try await serve(on: eventLoop)
      result = .success(())
    } catch {
      result = .failure(error)
    }
    try await eventLoop.shutdownGracefully()
    try result.get()
  }

  private func serve(on eventLoop: MultiThreadedEventLoopGroup) async throws {
    // Hummingbird's own lines are for who writes servers.
    var quiet = logger
    quiet.logLevel = max(logger.logLevel, .warning)
    let application = Application(
      responder: pages,
      server: .http1(configuration: .init(idleTimeout: Self.idleTimeout)),
      configuration: .init(
        address: .hostname(configuration.host, port: configuration.port),
        availableConnectionsDelegate: .maximum(Self.connectionLimit, logger: quiet)),
      onServerRunning: { channel in sayWhere(channel.localAddress?.port ?? configuration.port) },
      eventLoopGroupProvider: .shared(eventLoop),
      logger: quiet)
    do {
      try await application.run()
    } catch let error as IOError {
      throw AdminServerError(cannotListenOn: configuration, error)
    } catch let error as SocketAddressError.UnknownHost {
      throw AdminServerError("nothing is known of the host \(error.host); name an address of this machine with --admin")
    }
  }

  private func sayWhere(_ port: Int) {
    let host = configuration.host.contains(":") ? "[\(configuration.host)]" : configuration.host
    let metadata: Logger.Metadata = ["address": "http://\(host):\(port)"]
    if pages.isLoopback {
      logger.notice("metrics and health are served", metadata: metadata)
    } else {
      logger.warning(
        "metrics and health are served, to anyone in the network who reaches this address", metadata: metadata)
    }
  }
}

/// Why the admin server cannot start, and what to do about it.
public struct AdminServerError: Error, CustomStringConvertible {
  public let description: String

  init(_ description: String) {
    self.description = description
  }

  init(cannotListenOn place: AdminConfiguration, _ error: IOError) {
    switch error.errnoCode {
    case EADDRINUSE:
      self.init(
        "port \(place.port) of \(place.host) is taken, perhaps by another worker; choose another with --admin (0 takes any that is free), or as admin.port in routes.yaml"
      )
    case EACCES:
      self.init("this user may not listen on port \(place.port); choose one above 1023 with --admin")
    default:
      self.init(
        "cannot listen on \(place.host), port \(place.port): \(error); choose an address of this machine with --admin")
    }
  }
}
