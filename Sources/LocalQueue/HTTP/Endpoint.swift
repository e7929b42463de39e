import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// Answers HTTP requests in the protocol in which they ask.
struct Endpoint: HTTPResponder {
  /// A request's connection.
  struct Context: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
      coreContext = CoreRequestContextStorage(source: source)
      channel = source.channel
    }
  }

  /// A form may spell each byte of a message in three, and JSON in six.
  private static let bodyLimit = 8 * Limits.messageSize

  let loop: CommitLoop
  /// Where this server is reached by who names no host.
  let address: String
  /// Whether only this machine can reach it; then requests for other hosts come from a browser that was led astray.
  let isLoopback: Bool

  func respond(to request: Request, context: Context) async throws -> Response {
    let wire: any WireProtocol = JSONProtocol.speaks(request) ? JSONProtocol() : QueryProtocol()
    let requestID = newIdentifier()
    do {
      try refuseBrowsers(request)
      let body: ByteBuffer
      do {
        body = try await request.body.collect(upTo: Self.bodyLimit)
      } catch is NIOTooManyBytesError {
        throw ServiceError("RequestEntityTooLarge", status: 413, "The request has more than \(Self.bodyLimit) bytes.")
      }
      if request.method == .get, request.uri.path == Self.peekPath {
        let url = request.uri.queryParameters["QueueUrl"].map(String.init)
        return JSONProtocol().response(
          try await loop.perform(PeekMessages(QueueUrl: url), for: caller(request, context)), to: "",
          requestID: requestID)
      }
      if request.method == .get, request.uri.query == nil { return Self.greeting }
      let call = try wire.read(request, body)
      let answer = try await loop.perform(call.operation, for: caller(request, context))
      return wire.response(answer, to: call.name, requestID: requestID)
    } catch let error as ServiceError {
      return wire.response(error, requestID: requestID)
    }
  }

  /// Whether it is an address in 127.0.0.0/8, and not a name that begins like one.
  private static func isLoopback(_ name: String) -> Bool {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
  }

  private static let peekPath = "/_aws/sqs/messages"

  /// For whoever opens the address in a browser.
  private static let greeting = Response(
    status: .ok, headers: [.contentType: "text/plain; charset=utf-8"],
    body: ResponseBody(
      byteBuffer: ByteBuffer(
        string: """
          This is a local, SQS-compatible queue. Point an AWS SDK or the AWS CLI at it:

            aws --endpoint-url <this address> sqs list-queues

          """)))

  private func caller(_ request: Request, _ context: Context) -> Caller {
    let scope = CredentialScope(request)
    let host = request.head.authority ?? ""
    return Caller(
      region: scope.region, endpoint: host.isEmpty ? address : "http://\(host)", accessKey: scope.accessKey,
      isConnected: { [channel = context.channel] in channel.isActive })
  }

  /// Nothing is asked for a password here, so a web page that someone looks at must not be able to ask for anything.
  private func refuseBrowsers(_ request: Request) throws {
    let site = request.headers[.fetchSite] ?? "none"
    guard request.headers[.origin] == nil, site == "none" else {
      throw ServiceError("AccessDenied", status: 403, "The local queue answers no web pages.")
    }
    guard isLoopback, let host = request.head.authority else { return }
    let name = (host.hasPrefix("[") ? host.prefix { $0 != "]" } + "]" : host.prefix { $0 != ":" }).lowercased()
    guard Self.isLoopback(name) || ["localhost", "[::1]"].contains(name) || name.hasSuffix(".localhost") else {
      throw ServiceError(
        "AccessDenied", status: 403,
        "The local queue listens on loopback and was asked for as \(name); start it with --host to let other names in.")
    }
  }
}

/// A way to write operations and their answers into HTTP.
protocol WireProtocol {
  func read(_ request: Request, _ body: ByteBuffer) throws -> (name: String, operation: any Operation)
  func response(_ answer: JSONValue, to name: String, requestID: String) -> Response
  func response(_ error: ServiceError, requestID: String) -> Response
}

extension WireProtocol {
  /// - Throws: a ``ServiceError`` that says what is missing or wrong.
  func decode(_ name: String, _ json: ByteBuffer) throws -> any Operation {
    guard let type = Operations.all[name] else { throw ServiceError.unknownOperation(name) }
    do {
      return try JSONDecoder().decode(type, from: Data(json.readableBytesView))
    } catch DecodingError.keyNotFound(let key, let context) {
      throw ServiceError.missingParameter((context.codingPath + [key]).map(\.stringValue).joined(separator: "."))
    } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
      let path = context.codingPath.map(\.stringValue).joined(separator: ".")
      throw ServiceError.serialization(
        "The value of \(path.isEmpty ? "the request" : path) has another type than it should.")
    } catch DecodingError.dataCorrupted(let context) where !context.codingPath.isEmpty {
      throw ServiceError.serialization(
        "The value of \(context.codingPath.map(\.stringValue).joined(separator: ".")) cannot be read.")
    } catch {
      throw ServiceError.serialization("The request is not valid JSON, or has a number that is too large.")
    }
  }
}
