import HTTPTypes

/// Why the console does not do what it is asked: an answer of RFC 9457, or a page that says the same.
struct ConsoleError: Error {
  var status: HTTPResponse.Status
  var title: String
  /// What to do about it.
  var detail: String
  var headers: HTTPFields = [:]

  static func notFound(_ detail: String) -> Self {
    ConsoleError(status: .notFound, title: "Not found", detail: detail)
  }

  static func badRequest(_ detail: String) -> Self {
    ConsoleError(status: .badRequest, title: "The request is wrong", detail: detail)
  }

  static func forbidden(_ detail: String) -> Self {
    ConsoleError(status: .forbidden, title: "This is not allowed", detail: detail)
  }

  static func conflict(_ detail: String) -> Self {
    ConsoleError(status: .conflict, title: "This cannot be done now", detail: detail)
  }

  static let starting = ConsoleError(
    status: .serviceUnavailable, title: "The worker starts", detail: "No queue is consumed yet; try again in a moment.",
    headers: [.retryAfter: "1"])

  static func busy(_ detail: String, retryAfter seconds: Int = 3) -> Self {
    ConsoleError(
      status: .serviceUnavailable, title: "Too much at once", detail: detail, headers: [.retryAfter: "\(seconds)"])
  }
}
