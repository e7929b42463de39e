/// An HTTP response with any status.
public struct HTTPClientResponse: Sendable {
  private enum Headers: Sendable {
    case list([(name: String, value: String)])
    /// The unparsed headers, because most are never read.
    case lines(HeaderLines)
  }

  /// The HTTP status.
  public var status: Int
  /// The body; at most the request's `keptBodySize` bytes, if it is set.
  public var body: [UInt8]
  private var storage: Headers

  /// Creates a response.
  public init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
    self.status = status
    self.body = body
    storage = .list(headers)
  }

  init(status: Int, headers: HeaderLines, body: [UInt8]) {
    self.status = status
    self.body = body
    storage = .lines(headers)
  }

  /// The headers in the order in which they were received, with names in lower case.
  public var headers: [(name: String, value: String)] {
    get {
      switch storage {
      case .list(let headers): headers
      case .lines(let lines): lines.headers
      }
    }
    set { storage = .list(newValue) }
  }

  /// The value of the first header with a name, regardless of case.
  public subscript(header name: String) -> String? {
    switch storage {
    case .list(let headers):
      let name = name.lowercased()
      return headers.first { $0.name == name }?.value
    case .lines(let lines): return lines.first(name)
    }
  }
}
