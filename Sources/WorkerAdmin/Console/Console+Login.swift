import Foundation
import HTTPTypes
import Hummingbird
import WorkerKit

extension Console {
  /// Of the forms that are read before it is known who sends them.
  private static let loginLimit = 16 << 10

  func login(_ request: Request, from address: String) async throws -> Response {
    guard !gate.isClosed else { throw Gate.Refusal.closed }
    guard request.method == .post else {
      return renderer.login(problem: nil, next: request.uri.queryParameters["next"].map(String.init))
    }
    let (form, _) = try await Self.readBody(of: request, limit: Self.loginLimit)
    let next = form["next"].flatMap { LocalPath($0) }?.text ?? "/"
    let name = form["user"] ?? ""
    let client = gate.client(of: request, from: address)
    do {
      let session = try await gate.logIn(name, password: form["password"] ?? "", from: client)
      await audit.add(name, "logged in", details: ["address": client])
      var response = redirect(to: next)
      response.headers[.setCookie] = SessionCookie(request, isProxied: gate.isProxy(address)).begin(session)
      return response
    } catch let refusal as Gate.Refusal {
      guard case .throttled(let delay) = refusal else {
        if case .wrongPassword = refusal { await audit.addFailedLogin(name, from: client) }
        return renderer.login(problem: "The user or the password is wrong.", next: next, status: .unauthorized)
      }
      var response = renderer.login(
        problem: "Too many tries. Wait \(Int(delay.inSeconds.rounded(.up))) s, and try again.", next: next,
        status: .tooManyRequests)
      response.headers[.retryAfter] = "\(Int(delay.inSeconds.rounded(.up)))"
      return response
    }
  }

  func logout(_ request: Request, _ visitor: Visitor, from address: String) async throws -> Response {
    guard request.method == .post else { throw ConsoleError.notFound("To log out, use the button.") }
    let (form, _) = try await Self.readBody(of: request, limit: Self.loginLimit)
    try Self.checkToken(request, form, visitor)
    gate.logOut(visitor)
    await audit.add(visitor.name, "logged out", details: ["address": gate.client(of: request, from: address)])
    var response = redirect(to: "/login")
    response.headers[.setCookie] = SessionCookie(request, isProxied: gate.isProxy(address)).end
    return response
  }
}
