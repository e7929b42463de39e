import Foundation
import HTTPTypes
import Hummingbird
package import Logging
import NIOCore
package import WorkerKit

/// What an operator sees and does in a browser, and scripts by the API under `/api`.
package final class Console: Sendable {
  /// An edited body of 1 MiB takes three times that in a form.
  static let bodyLimit = 4 << 20

  let configuration: AdminConfiguration
  let source: ConsoleSource
  let flow: FlowRecorder
  let history: QueueHistory
  let gate: Gate
  let audit: AuditLog
  let diagnosis: Diagnosis
  let renderer: Renderer
  let work: BackgroundWork
  let deadLetters: DeadLetterInventories
  /// Of live pages, which wait for the server, so no other connection could take their place.
  let streams = ConcurrencyLimit(32)
  /// Of plugins' pages, which may block a thread of Swift's pool each.
  let pluginCalls = ConcurrencyLimit(4)
  let logger: Logger
  let limits: ConsoleLimits

  /// - Throws: an ``AdminServerError`` where the configuration cannot be followed.
  package init(
    _ configuration: AdminConfiguration, source: ConsoleSource, flow: FlowRecorder, logger: Logger,
    limits: ConsoleLimits = ConsoleLimits()
  ) throws(AdminServerError) {
    self.configuration = configuration
    self.source = source
    self.flow = flow
    self.logger = logger
    self.limits = limits
    gate = try Gate(configuration)
    history = QueueHistory(source, flow: flow)
    audit = AuditLog(folder: configuration.folder, logger: logger)
    diagnosis = Diagnosis(source)
    renderer = Renderer()
    work = BackgroundWork()
    deadLetters = DeadLetterInventories(
      source, flow: flow, work: work, folder: configuration.folder, limits: limits)
  }

  /// Runs what goes on while nobody asks, until it is cancelled.
  func run() async {
    await withDiscardingTaskGroup { group in
      group.addTask { try? await self.history.run() }
      group.addTask { await self.work.run() }
      group.addTask { await self.audit.load() }
      group.addTask {
        while (try? await WorkerClock.continuous.sleep(for: .seconds(60))) != nil { await self.audit.flush() }
        await self.audit.flush(isEnd: true)
      }
    }
  }

  var endpoints: [Endpoint] {
    overviewPages + flowPages + routePages + auditPages + deadLetterPages + jobPages + pluginPages + api
  }

  /// - Parameter address: Of who is at the other end of the connection.
  func response(to request: Request, from address: String) async -> Response {
    do {
      return try await answer(request, from: address)
    } catch {
      if case Gate.Refusal.wrongPassword(let user) = error {
        await audit.addFailedLogin(user, from: gate.client(of: request, from: address))
      }
      return failure(error, of: request)
    }
  }

  private func answer(_ request: Request, from address: String) async throws -> Response {
    let path = request.uri.path.split(separator: "/").map { $0.removingPercentEncoding ?? String($0) }
    if path.first == "assets", !gate.isClosed { return try asset(path, request) }
    let origin = RequestOrigin(request, isProxied: gate.isProxy(address))
    guard !origin.isForeign else {
      throw ConsoleError.forbidden("A page elsewhere asked for this, and that is refused. Open the console itself.")
    }
    if path == ["login"] { return try await login(request, from: address) }
    let found = endpoints.compactMap { endpoint in endpoint.match(path).map { (endpoint, $0) } }
    let method = request.method == .head ? .get : request.method
    let visitor = try await gate.visitor(request, from: address, isUse: path.first != "live")
    if path == ["logout"] { return try await logout(request, visitor, from: address) }
    guard !found.isEmpty else { throw ConsoleError.notFound("The menu leads to what there is.") }
    guard let (endpoint, parameters) = found.first(where: { $0.0.method == method }) else {
      let allowed = Set(found.map { $0.0.method.rawValue }).union(
        found.contains { $0.0.method == .get } ? ["HEAD"] : [])
      throw ConsoleError(
        status: .methodNotAllowed, title: "The method is not allowed",
        detail: "Only \(allowed.sorted().joined(separator: ", ")).",
        headers: [.allow: allowed.sorted().joined(separator: ", ")])
    }
    guard endpoint.access == .reader || visitor.mayAct else {
      throw ConsoleError.forbidden("\(visitor.name) is a reader; this takes an operator.")
    }
    var form = FormFields()
    var body: [UInt8] = []
    if method == .post {
      (form, body) = try await Self.readBody(of: request)
      try Self.checkToken(request, form, visitor)
    }
    let response = try await endpoint.handler(
      ConsoleRequest(
        request: request, visitor: visitor, address: address, isLinked: origin.isLinked, parameters: parameters,
        query: FormFields(request.uri.query ?? ""), form: form, body: body))
    return request.method == .head ? response.createHeadResponse() : response
  }

  static func readBody(of request: Request, limit: Int = bodyLimit) async throws -> (FormFields, [UInt8]) {
    let announced = request.headers[.contentLength].flatMap { Int($0) } ?? 0
    let tooLarge = ConsoleError(
      status: .contentTooLarge, title: "The body is too large", detail: "It may have \(Format.bytes(limit)).")
    guard announced <= limit else { throw tooLarge }
    let buffer: ByteBuffer
    do {
      buffer = try await request.body.collect(upTo: limit)
    } catch is NIOTooManyBytesError {
      throw tooLarge
    }
    let isForm = request.headers[.contentType]?.hasPrefix("application/x-www-form-urlencoded") ?? false
    return isForm ? (FormFields(String(buffer: buffer)), []) : (FormFields(), Array(buffer.readableBytesView))
  }

  /// A script that sends its password brings no token: no page can make a browser do that.
  static func checkToken(_ request: Request, _ form: FormFields, _ visitor: Visitor) throws(ConsoleError) {
    if case .password = visitor.means { return }
    let token = request.headers[.csrfToken] ?? form["_token"] ?? ""
    guard RandomToken.areEqual(token, visitor.token) else {
      throw .forbidden("The page's token is old or missing. Load the page again, and repeat what you did.")
    }
  }
}
