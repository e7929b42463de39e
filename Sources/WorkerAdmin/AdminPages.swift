import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import WorkerKit

/// What the admin server answers. Reading changes nothing and waits for nothing.
struct AdminPages: HTTPResponder {
  /// A text and what kind of text it is.
  typealias Page = AdminServer.Page

  private static let index = """
    <!DOCTYPE html>
    <title>Worker</title>
    <ul>
    <li><a href="/metrics">/metrics</a>: for Prometheus</li>
    <li><a href="/health/live">/health/live</a>: whether its loops turn</li>
    <li><a href="/health/ready">/health/ready</a>: whether it does its work, and why not</li>
    </ul>

    """

  let consumers: @Sendable () -> [ConsumerStatus]
  let metrics: @Sendable (_ accept: String?) -> Page
  /// Whether only this machine can reach it. Then another name in a request comes from a web page that was led astray.
  let isLoopback: Bool

  func respond(to request: Request, context: BasicRequestContext) async throws -> Response {
    guard !isLoopback || Self.isLocal(request.head.authority) else {
      return plain(.forbidden, "This server listens on loopback; ask for it by its address or as localhost.")
    }
    guard [.get, .head].contains(request.method) else {
      var response = plain(.methodNotAllowed, "Only GET and HEAD.")
      response.headers[.allow] = "GET, HEAD"
      return response
    }
    var response = try page(request)
    if request.method == .head {
      response.headers[.contentLength] = response.body.contentLength.map(String.init)
      response.body = ResponseBody()
    }
    return response
  }

  private func page(_ request: Request) throws -> Response {
    switch request.uri.path {
    case "/":
      return response(.ok, Page(contentType: "text/html; charset=utf-8", text: Self.index))
    case "/metrics":
      // Several Accept headers are one list.
      let accept = request.headers[values: .accept].joined(separator: ",")
      return response(.ok, metrics(accept.isEmpty ? nil : accept))
    case "/health/live":
      let liveness = Liveness(of: consumers())
      return try json(liveness.isLive, liveness)
    case "/health/ready":
      let readiness = Readiness(of: consumers())
      return try json(readiness.isReady, readiness)
    default:
      return plain(.notFound, "There is nothing here; / says what there is.")
    }
  }

  private func json(_ isWell: Bool, _ value: some Encodable) throws -> Response {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let text = String(decoding: try encoder.encode(value), as: UTF8.self)
    return response(isWell ? .ok : .serviceUnavailable, Page(contentType: "application/json", text: "\(text)\n"))
  }

  private func plain(_ status: HTTPResponse.Status, _ text: String) -> Response {
    response(status, Page(contentType: "text/plain; charset=utf-8", text: "\(text)\n"))
  }

  private func response(_ status: HTTPResponse.Status, _ page: Page) -> Response {
    Response(
      status: status, headers: [.contentType: page.contentType, .cacheControl: "no-store"],
      body: ResponseBody(byteBuffer: ByteBuffer(string: page.text)))
  }

  /// A page elsewhere can make its own name mean this machine, but not an address.
  private static func isLocal(_ authority: String?) -> Bool {
    guard let authority else { return true }
    let isBracketed = authority.hasPrefix("[")
    let name = (isBracketed ? authority.dropFirst().prefix { $0 != "]" } : authority.prefix { $0 != ":" }).lowercased()
    return name == "localhost" || name.hasSuffix(".localhost") || (try? SocketAddress(ipAddress: name, port: 0)) != nil
  }
}
