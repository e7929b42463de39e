/// An answer, whatever its status.
public struct HTTPResponse: Sendable {
  private enum Headers: Sendable {
    case list([(name: String, value: String)])
    /// As they came: most are never asked for.
    case lines(HeaderLines)
  }

  public var status: Int
  public var body: [UInt8]
  private var storage: Headers

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

  /// Names in lower case, in the order in which they came.
  public var headers: [(name: String, value: String)] {
    get {
      switch storage {
      case .list(let headers): headers
      case .lines(let lines): lines.headers
      }
    }
    set { storage = .list(newValue) }
  }

  /// The first header of a name, in any case.
  public subscript(header name: String) -> String? {
    switch storage {
    case .list(let headers):
      let name = name.lowercased()
      return headers.first { $0.name == name }?.value
    case .lines(let lines): return lines.first(name)
    }
  }
}
