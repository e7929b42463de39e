import CCurl
public import Foundation

/// An HTTP client over libcurl, with one thread and one connection pool for all its users.
///
/// - Connections are kept alive and reused. HTTP/2 is used if a TLS server offers it.
/// - Certificates are verified against the authorities in one file: the request's, or the one that the environment names, or
///   else the system's. New connections resume TLS sessions.
/// - Requests use the proxy that `HTTPS_PROXY`, `http_proxy` or `ALL_PROXY` names, except for the hosts in `NO_PROXY`
///   and this machine.
/// - Redirects are not followed.
/// - When a task is cancelled, its request ends at once.
public final class CurlClient: Sendable {
  /// The versions of the libcurl that this process has loaded, and of the libraries that libcurl uses.
  package static var libraryVersion: String { String(cString: curl_version()) }

  /// The variable of AWS's tools, followed by OpenSSL's.
  public static let certificateVariables = ["AWS_CA_BUNDLE", "SSL_CERT_FILE"]

  private let loop: CurlLoop

  /// Creates a client.
  ///
  /// - Parameters:
  ///   - environment: The environment variables for certificates and proxies.
  ///   - maximumResponseSize: The maximum size of a response in bytes. The default is large enough for ten messages of
  ///     1 MB with escaped quotes.
  ///   - certificateVariables: The variables that may name a file of certificate authorities; at least one. The first
  ///     one that is set is used.
  ///   - addresses: The addresses that the client may connect to. Clients do not share connections.
  public init(
    environment: [String: String] = ProcessInfo.processInfo.environment,
    maximumResponseSize: Int = 64 * 1_048_576,
    addresses: AddressPolicy = .any,
    certificateVariables: [String] = CurlClient.certificateVariables
  ) {
    loop = CurlLoop(
      CurlConfiguration(
        environment: environment, maximumResponseSize: maximumResponseSize, addresses: addresses,
        certificateVariables: certificateVariables))
    loop.start()
  }

  deinit {
    loop.stop()
  }

  /// Sends a request and waits for the response.
  ///
  /// - Throws: An ``HTTPClientError`` if there is no response, or if a part of the request contains a line break or
  ///   another character that would change the request's meaning; `CancellationError` if the task is cancelled.
  public func execute(_ request: HTTPClientRequest) async throws -> HTTPClientResponse {
    try request.validate()
    let transfer = CurlTransfer(request: request, maximumResponseSize: loop.configuration.maximumResponseSize)
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

  /// Checks that the client's thread responds.
  ///
  /// The call sends nothing over the network. A thread that hangs never responds, so the caller sets a time limit and
  /// cancels the task.
  ///
  /// - Throws: `CancellationError` as soon as the task is cancelled.
  package func ping() async throws {
    try await loop.ping()
  }
}

/// The settings that all requests of a client share.
struct CurlConfiguration: Sendable {
  let environment: [String: String]
  /// The file of certificate authorities for requests without their own.
  let certificates: String?
  let maximumResponseSize: Int
  let addresses: AddressPolicy
  let certificateVariables: [String]

  init(
    environment: [String: String] = [:], maximumResponseSize: Int,
    addresses: AddressPolicy = .any,
    certificateVariables: [String] = CurlClient.certificateVariables
  ) {
    self.certificateVariables = certificateVariables
    self.environment = environment
    self.addresses = addresses
    self.maximumResponseSize = maximumResponseSize
    certificates = certificateVariables.lazy
      .compactMap { environment[$0]?.trimmingCharacters(in: .whitespacesAndNewlines) }.first { !$0.isEmpty }
  }
}
