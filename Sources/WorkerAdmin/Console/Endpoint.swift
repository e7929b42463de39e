import HTTPTypes
import Hummingbird
import WorkerKit

/// One thing that the console answers: by which method, at which path, and to whom.
struct Endpoint: Sendable {
  typealias Handler = @Sendable (ConsoleRequest) async throws -> Response

  /// Who may.
  enum Access: Sendable {
    case reader
    /// What changes something, or costs receives.
    case `operator`
  }

  let method: HTTPRequest.Method
  /// `/jobs/{id}`
  let path: String
  let access: Access
  let handler: Handler
  private let parts: [Substring]

  init(_ method: HTTPRequest.Method, _ path: String, _ access: Access = .reader, _ handler: @escaping Handler) {
    self.method = method
    self.path = path
    self.access = access
    self.handler = handler
    parts = path.split(separator: "/")
  }

  /// - Returns: the values of what the path leaves open; nil where it is another's.
  func match(_ path: [String]) -> [String: String]? {
    guard path.count == parts.count else { return nil }
    var parameters: [String: String] = [:]
    for (part, value) in zip(parts, path) {
      if part.hasPrefix("{") {
        parameters[String(part.dropFirst().dropLast())] = value
      } else if part != value {
        return nil
      }
    }
    return parameters
  }
}
