import Foundation
import HTTPServing
import HTTPTypes
import Hummingbird
import NIOCore
import WorkerKit

/// What the admin server answers. Reading changes nothing, and waits for nothing but a part that hangs.
struct AdminPages {
  /// A text and what kind of text it is.
  typealias Page = AdminServer.Page

  /// What the process does before it consumes; nil when that is over.
  let startup: @Sendable () -> String?
  let consumers: @Sendable () -> [ConsumerStatus]
  /// Asks what of the worker's own work does not go on.
  let hangs: @Sendable () async -> [String]
  let metrics: @Sendable (_ accept: String?) -> Page
  /// Whether only this machine can reach it. Then another name in a request comes from a web page that was led astray.
  let isLoopback: Bool
  let console: Console

  /// - Parameter address: Of who is at the other end of the connection.
  func response(to request: Request, from address: String) async throws -> Response {
    let host = request.head.authority.map { RequestedHost($0) }
    if case .some(nil) = host {
      return refusal(of: request, .badRequest, "The Host header is no host, with or without a port.")
    }
    // A page elsewhere can make its own name mean this machine, but not an address.
    guard !isLoopback || host.flatMap({ $0 }).map({ $0.isLoopback || $0.isAddress }) ?? true else {
      return refusal(of: request, .forbidden, "This server listens on loopback; use its address or localhost.")
    }
    guard Self.isOpen(request.uri.path) else {
      // A page can take seconds to make, and health is answered meanwhile.
      return await withTaskExecutorPreference(HTTPServer.pageExecutor) {
        await console.response(to: request, from: address)
      }
    }
    guard [.get, .head].contains(request.method) else {
      var response = plain(.methodNotAllowed, "Only GET and HEAD.")
      response.headers[.allow] = "GET, HEAD"
      return response
    }
    return try await page(request)
  }

  /// What is served without credentials: to scrapers, supervisors and load balancers.
  private static func isOpen(_ path: String) -> Bool {
    ["/metrics", "/health", "/health/live", "/health/ready"].contains(path)
  }

  private func page(_ request: Request) async throws -> Response {
    switch request.uri.path {
    case "/metrics":
      // Several Accept headers are one list.
      let accept = request.headers[values: .accept].joined(separator: ",")
      return response(.ok, metrics(accept.isEmpty ? nil : accept))
    case "/health/live":
      let liveness = Liveness(hangs: await hangs())
      return try json(liveness.isLive, liveness)
    default:
      let readiness = Readiness(of: consumers(), starting: startup())
      return try json(readiness.isReady, readiness)
    }
  }

  private func json(_ isWell: Bool, _ value: some Encodable) throws -> Response {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let text = String(decoding: try encoder.encode(value), as: UTF8.self)
    return response(isWell ? .ok : .serviceUnavailable, Page(contentType: "application/json", text: "\(text)\n"))
  }

  /// Scripts get the form of the API's errors, RFC 9457.
  private func refusal(of request: Request, _ status: HTTPResponse.Status, _ text: String) -> Response {
    guard request.uri.path.hasPrefix("/api/") else { return plain(status, text) }
    return console.failure(ConsoleError(status: status, title: status.reasonPhrase, detail: text), of: request)
  }

  private func plain(_ status: HTTPResponse.Status, _ text: String) -> Response {
    response(status, Page(contentType: "text/plain; charset=utf-8", text: "\(text)\n"))
  }

  private func response(_ status: HTTPResponse.Status, _ page: Page) -> Response {
    Response(
      status: status, headers: [.contentType: page.contentType, .cacheControl: "no-store"],
      body: ResponseBody(byteBuffer: ByteBuffer(string: page.text)))
  }
}
