import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import WorkerKit

/// RFC 9457.
private struct ProblemDetails: Encodable {
  var type = "about:blank"
  var title: String
  var status: Int
  var detail: String
}

extension Console {
  func redirect(to location: String) -> Response {
    Response(status: .seeOther, headers: Self.security.with([.location: location, .cacheControl: "no-store"]))
  }

  func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
    try Self.json(value, status: status, contentType: "application/json")
  }

  private static func json(
    _ value: some Encodable, status: HTTPResponse.Status, contentType: String
  ) throws -> Response {
    let encoder = JSONEncoder()
    encoder.dateEncodingStrategy = .iso8601
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return Response(
      status: status, headers: security.with([.contentType: contentType, .cacheControl: "no-store"]),
      body: ResponseBody(byteBuffer: ByteBuffer(bytes: try encoder.encode(value))))
  }

  func file(_ text: String, named name: String, contentType: String) -> Response {
    Response(
      status: .ok,
      headers: Self.security.with([
        .contentType: contentType, .cacheControl: "no-store",
        .contentDisposition: "attachment; filename=\"\(name)\"",
      ]), body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
  }

  func failure(_ error: any Error, of request: Request) -> Response {
    let isAPI = request.uri.path.hasPrefix("/api")
    let problem: ConsoleError
    switch error {
    case let error as ConsoleError: problem = error
    case Gate.Refusal.closed:
      problem = .forbidden(
        "The console is served off loopback only to users that have logged in, and none are configured. Add admin.users to "
          + "\(source.routesPath), with hashes from `\(source.command) admin password`. /metrics and /health are served."
      )
    case Gate.Refusal.unauthenticated, Gate.Refusal.wrongPassword:
      if !isAPI, gate.hasUsers, request.method == .get, !request.uri.path.hasPrefix("/live") {
        return redirect(to: "/login?next=\(Self.encoded(request.uri.string))")
      }
      problem = ConsoleError(
        status: .unauthorized, title: "Log in first",
        detail:
          "The session is over, or there was none. A page's form is at /login; a script sends Authorization: Basic.",
        // Not Basic, for which browsers would ask, and keep the answer.
        headers: [.wwwAuthenticate: "Session"])
    case Gate.Refusal.throttled(let delay):
      problem = ConsoleError(
        status: .tooManyRequests, title: "Too many tries", detail: "Wait, and try again.",
        headers: [.retryAfter: "\(Int(delay.inSeconds.rounded(.up)))"])
    default:
      logger.warning("the console could not answer", metadata: ["error": "\(error)", "path": "\(request.uri.path)"])
      problem = ConsoleError(
        status: .internalServerError, title: "The console has failed", detail: "The worker's log says why.")
    }
    var response: Response
    if isAPI {
      let details = ProblemDetails(title: problem.title, status: problem.status.code, detail: problem.detail)
      response =
        (try? Self.json(details, status: problem.status, contentType: "application/problem+json"))
        ?? Response(status: problem.status)
    } else {
      response = renderer.problem(problem, isLogInOffered: problem.status == .unauthorized && gate.hasUsers)
    }
    for field in problem.headers { response.headers[field.name] = field.value }
    return request.method == .head ? response.createHeadResponse() : response
  }

  func asset(_ path: [String], _ request: Request) throws -> Response {
    guard path.count == 2, let asset = Renderer.assets[path[1]] else {
      throw ConsoleError.notFound("There is no such file.")
    }
    let response = Response(
      status: .ok,
      headers: Self.security.with([
        .contentType: asset.contentType, .cacheControl: "public, max-age=31536000, immutable",
      ]), body: ResponseBody(byteBuffer: ByteBuffer(bytes: asset.bytes)))
    return request.method == .head ? response.createHeadResponse() : response
  }

  /// No script and no style but the console's own files, nothing from elsewhere, and no other page around it.
  ///
  /// Under the referrer policy `no-referrer`, browsers send `Origin: null` with the console's own forms.
  static let security: HTTPFields = [
    .contentSecurityPolicy:
      "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
      + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    .xContentTypeOptions: "nosniff", .frameOptions: "DENY", .referrerPolicy: "same-origin",
    .openerPolicy: "same-origin", .resourcePolicy: "same-origin",
  ]
}

extension HTTPFields {
  func with(_ others: HTTPFields) -> HTTPFields {
    var fields = self
    for field in others { fields[field.name] = field.value }
    return fields
  }
}
