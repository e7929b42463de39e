import Foundation
import HTTPServing
package import Logging
import NIOCore
public import ServiceLifecycle
package import WorkerKit

/// Serves `/metrics`, `/health/live` and `/health/ready`, and the console at `/`.
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

  /// A browser opens up to six.
  private static let limits = HTTPServerLimits(connections: 128, bodySize: Console.bodyLimit)

  private let configuration: AdminConfiguration
  private let pages: AdminPages
  private let console: Console
  private let onListening: @Sendable (_ address: String) -> Void
  private let logger: Logger

  /// - Parameters:
  ///   - startup: What the process does before it consumes; nil when that is over.
  ///   - consumers: Those of the process, at the moment.
  ///   - hangs: Asks what of the worker's own work does not go on, and answers within seconds.
  ///   - metrics: All metrics, in a format that an `Accept` header asks for.
  ///   - onListening: Called once it can be reached, with its address.
  package init(
    configuration: AdminConfiguration,
    console: Console,
    startup: @escaping @Sendable () -> String? = { nil },
    consumers: @escaping @Sendable () -> [ConsumerStatus],
    hangs: @escaping @Sendable () async -> [String],
    metrics: @escaping @Sendable (_ accept: String?) -> Page,
    onListening: @escaping @Sendable (_ address: String) -> Void = { _ in },
    logger: Logger
  ) {
    self.configuration = configuration
    self.console = console
    self.onListening = onListening
    self.logger = logger
    pages = AdminPages(
      startup: startup, consumers: consumers, hangs: hangs, metrics: metrics, isLoopback: configuration.isLoopback,
      console: console)
  }

  /// Serves until a graceful shutdown.
  ///
  /// - Throws: an ``AdminServerError`` that says why it cannot listen.
  public func run() async throws {
    let server = HTTPServer(
      host: configuration.host, port: configuration.port, limits: Self.limits, logger: logger,
      onListening: reportAddress,
      respond: { [pages] request, channel in
        try await pages.response(to: request, from: channel.remoteAddress?.ipAddress ?? "unknown")
      })
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { [console] in await console.run() }
      defer { group.cancelAll() }
      try await Self.explainingAddress(configuration) {
        // Handlers may have taken every thread of Swift's runtime.
        try await withTaskExecutorPreference(HTTPServer.executor) { try await server.run() }
      }
    }
  }

  private func reportAddress(_ port: Int) {
    let host = configuration.host.contains(":") ? "[\(configuration.host)]" : configuration.host
    let address = "http://\(host):\(port)"
    if pages.isLoopback {
      logger.notice("metrics and health are served, and the console", metadata: ["address": "\(address)"])
    } else {
      logger.warning(
        "metrics and health are served to anyone who can reach this address",
        metadata: [
          "address": "\(address)",
          "console": console.gate.isClosed
            ? "not served: there are no admin.users"
            : "to users who have logged in; over HTTP passwords can be read on the way, so let a proxy add TLS",
        ])
    }
    onListening(address)
  }
}

/// Why the admin server cannot start, and what to do about it.
public struct AdminServerError: Error, CustomStringConvertible {
  public let description: String
  /// Whether another has the port.
  package var isPortTaken = false

  init(_ description: String) {
    self.description = description
  }

  init(cannotListenOn address: AdminConfiguration, _ error: IOError) {
    switch error.errnoCode {
    case EADDRINUSE:
      self.init(
        "port \(address.port) of \(address.host) is in use, perhaps by another worker; choose another with --admin (0 chooses a free one) or admin.port in routes.yaml"
      )
      isPortTaken = true
    case EACCES:
      self.init("this user may not listen on port \(address.port); choose one above 1023 with --admin")
    default:
      self.init(
        "cannot listen on \(address.host), port \(address.port): \(error); choose an address of this machine with --admin"
      )
    }
  }
}
