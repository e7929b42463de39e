public import WorkerKit

/// An HTTP request for ``CurlClient``.
public struct HTTPClientRequest: Sendable {
  /// The HTTP method: `GET`.
  public var method: String
  /// The absolute URL.
  public var url: String
  /// The headers, in the order in which they are sent. The client adds `Host` and `Content-Length`. A name or a value
  /// with a line break or another control character is rejected.
  public var headers: [(name: String, value: String)]
  /// The body, for any method except HEAD and TRACE. An empty body of POST, PUT or PATCH is sent with a length of 0.
  public var body: [UInt8]
  /// The maximum duration of the whole exchange; nil for none, if the task's cancellation ends the request.
  public var timeout: Duration?
  /// The maximum duration of connecting, if a new connection is needed.
  public var connectTimeout: Duration
  /// Whether the request may use a proxy that the environment names, for example in `HTTPS_PROXY`.
  public var mayUseProxy: Bool
  /// The file of certificate authorities; nil for the client's.
  public var certificates: String?
  /// How many bytes of the response's body to keep, for a caller that needs only the status; nil to require the whole
  /// body.
  ///
  /// If it is set, a response counts once its status and headers are complete, even if the server, the timeout or a
  /// cancellation interrupts the body. The rest of a long body is not read.
  public var keptBodySize: Int?

  /// Creates a request.
  ///
  /// - Parameters:
  ///   - method: The HTTP method.
  ///   - url: The URL.
  ///   - headers: The headers, in the order in which they are sent.
  ///   - body: The body.
  ///   - timeout: The maximum duration of the whole exchange; 30 seconds by default, nil for none.
  ///   - connectTimeout: The maximum duration of connecting; 5 seconds by default.
  ///   - mayUseProxy: Whether the request may use a proxy that the environment names.
  ///   - certificates: The file of certificate authorities; nil for the client's.
  ///   - keptBodySize: How many bytes of the response's body to keep; nil to require the whole body.
  public init(
    method: String = "GET",
    url: String,
    headers: [(name: String, value: String)] = [],
    body: [UInt8] = [],
    timeout: Duration? = .seconds(30),
    connectTimeout: Duration = .seconds(5),
    mayUseProxy: Bool = true,
    certificates: String? = nil,
    keptBodySize: Int? = nil
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
    self.timeout = timeout
    self.connectTimeout = connectTimeout
    self.mayUseProxy = mayUseProxy
    self.certificates = certificates
    self.keptBodySize = keptBodySize
  }

  /// Whether the request has a body, or a method whose empty body is sent with a length of 0.
  var hasBody: Bool {
    !body.isEmpty || method == "POST" || method == "PUT" || method == "PATCH"
  }
}

/// Why a request has no response.
public struct HTTPClientError: ClassifiedError, CustomStringConvertible {
  /// The cause of the failure.
  public struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    public var description: String { rawValue }

    /// The host's name cannot be resolved.
    public static let nameNotResolved = Code(rawValue: "nameNotResolved")
    /// No server accepts the connection.
    public static let notConnected = Code(rawValue: "notConnected")
    /// The proxy that the environment names does not respond or does not forward the request.
    public static let proxy = Code(rawValue: "proxy")
    /// The server's certificate could not be verified.
    public static let tls = Code(rawValue: "tls")
    /// The request exceeded its timeout.
    public static let timeout = Code(rawValue: "timeout")
    /// The connection was interrupted.
    public static let interrupted = Code(rawValue: "interrupted")
    /// The response exceeds the client's size limit.
    public static let tooLarge = Code(rawValue: "tooLarge")
    /// The host resolves to an address that the client's ``AddressPolicy`` does not allow.
    public static let addressRefused = Code(rawValue: "addressRefused")
    /// The request is invalid: for example, a header contains a line break or the URL cannot be parsed.
    public static let invalidRequest = Code(rawValue: "invalidRequest")
    /// The client was shut down.
    public static let shutDown = Code(rawValue: "shutDown")
    /// Any other error of libcurl.
    public static let other = Code(rawValue: "other")
  }

  /// The cause of the failure.
  public var code: Code
  /// libcurl's error message, and the next step.
  public var message: String

  /// Creates an error.
  public init(code: Code, message: String) {
    self.code = code
    self.message = message
  }

  /// ``ErrorKind/timeout`` for a timeout, ``ErrorKind/badRequest`` for an invalid request, otherwise
  /// ``ErrorKind/network``.
  public var kind: ErrorKind {
    switch code {
    case .timeout: .timeout
    case .invalidRequest: .badRequest
    default: .network
    }
  }
  public var description: String { message }
}
