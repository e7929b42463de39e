import HTTPServing
import NIOCore
public import WorkerKit

extension AdminServer {
  /// Listens for a moment, so that a worker that cannot start finds that out before it makes anything.
  ///
  /// - Throws: an ``AdminServerError`` that says why it cannot listen.
  public static func checkAddress(_ configuration: AdminConfiguration) async throws {
    try await explainingAddress(configuration) {
      try await HTTPServer.check(host: configuration.host, port: configuration.port)
    }
  }

  static func explainingAddress(_ configuration: AdminConfiguration, _ body: () async throws -> Void) async throws {
    do {
      try await body()
    } catch let error as IOError {
      throw AdminServerError(cannotListenOn: configuration, error)
    } catch let error as SocketAddressError.UnknownHost {
      throw AdminServerError("nothing is known of the host \(error.host); name an address of this machine with --admin")
    }
  }
}
