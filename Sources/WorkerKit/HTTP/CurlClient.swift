public import Foundation

/// An HTTP client over libcurl: one thread, one pool of connections for everything that shares the client.
///
/// Connections are kept alive and reused; HTTP/2 is spoken where a TLS server offers it. Certificates are verified,
/// against `AWS_CA_BUNDLE` or `SSL_CERT_FILE` where the environment names one. Redirects are not followed. A task
/// that is cancelled ends its request at once.
public final class CurlClient: Sendable {
  private let loop: CurlLoop

  /// - Parameters:
  ///   - environment: Where to look for a bundle of certificates.
  ///   - maximumResponseSize: In bytes; ten messages of a megabyte, with their quotes escaped, fit in the default.
  public init(
    environment: [String: String] = ProcessInfo.processInfo.environment,
    maximumResponseSize: Int = 64 * 1_048_576
  ) {
    loop = CurlLoop(
      certificates: ["AWS_CA_BUNDLE", "SSL_CERT_FILE"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty },
      maximumResponseSize: maximumResponseSize)
    loop.start()
  }

  deinit {
    loop.stop()
  }

  /// Sends a request and waits for its answer.
  ///
  /// - Throws: an ``HTTPError`` when there is none; `CancellationError` when the task is cancelled.
  public func execute(_ request: HTTPRequest) async throws -> HTTPResponse {
    let transfer = CurlTransfer(request: request, maximumResponseSize: loop.maximumResponseSize)
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        transfer.begin(continuation)
        loop.post(.start(transfer))
      }
    } onCancel: {
      transfer.cancel()
      loop.post(.cancel(transfer))
    }
  }
}
