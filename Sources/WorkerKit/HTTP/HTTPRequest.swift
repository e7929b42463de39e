/// A request of ``CurlClient``.
public struct HTTPRequest: Sendable {
  public var method: String
  public var url: String
  /// In the order in which they are sent. `Host` and `Content-Length` are added.
  public var headers: [(name: String, value: String)]
  public var body: [UInt8]
  /// For the whole exchange.
  public var timeout: Duration
  /// For the connection alone, where a new one is needed.
  public var connectTimeout: Duration
  /// Whether a proxy that the environment names (`HTTPS_PROXY` and the like) may carry the request.
  public var mayUseProxy: Bool
  /// A file of certificate authorities, in the place of the client's.
  public var certificates: String?

  public init(
    method: String = "GET",
    url: String,
    headers: [(name: String, value: String)] = [],
    body: [UInt8] = [],
    timeout: Duration = .seconds(30),
    connectTimeout: Duration = .seconds(5),
    mayUseProxy: Bool = true,
    certificates: String? = nil
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
    self.timeout = timeout
    self.connectTimeout = connectTimeout
    self.mayUseProxy = mayUseProxy
    self.certificates = certificates
  }
}

/// Why there was no answer.
public struct HTTPError: ClassifiedError, CustomStringConvertible {
  public struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    public var description: String { rawValue }

    /// The host's name has no address.
    public static let nameNotResolved = Code(rawValue: "nameNotResolved")
    /// Nothing answers there.
    public static let notConnected = Code(rawValue: "notConnected")
    /// The server could not be proved to be the one that was asked for.
    public static let tls = Code(rawValue: "tls")
    public static let timeout = Code(rawValue: "timeout")
    /// The connection ended in the middle.
    public static let interrupted = Code(rawValue: "interrupted")
    /// The answer is larger than the client accepts.
    public static let tooLarge = Code(rawValue: "tooLarge")
    /// The client was shut down.
    public static let shutDown = Code(rawValue: "shutDown")
    /// Anything else that libcurl reports.
    public static let other = Code(rawValue: "other")
  }

  public var code: Code
  /// The cause, in libcurl's words, and the next step.
  public var message: String

  public init(code: Code, message: String) {
    self.code = code
    self.message = message
  }

  public var kind: ErrorKind { code == .timeout ? .timeout : .network }
  public var description: String { message }
}
