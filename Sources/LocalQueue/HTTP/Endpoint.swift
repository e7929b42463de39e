import Foundation
import HTTPServing
import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// Responds to HTTP requests in the protocol of the request.
struct Endpoint {
  /// The maximum body size. A form may encode each byte of a message in three bytes, and JSON in six.
  static let bodyLimit = 8 * Limits.messageSize

  let loop: CommitLoop
  /// The address of this server for requests without a host.
  let address: String
  /// Whether the server listens on the loopback interface only. If so, a request for another host indicates DNS
  /// rebinding.
  let isLoopback: Bool

  /// Responds to a request.
  ///
  /// - Parameter channel: The connection of the request.
  func respond(to request: Request, on channel: any Channel) async throws -> Response {
    let wire: any WireProtocol = JSONProtocol.speaks(request) ? JSONProtocol() : QueryProtocol(request)
    let requestID = newIdentifier()
    do {
      try checkHost(request)
      let browser = BrowserRequest(request)
      try browser.check()
      let body = try await body(of: request)
      if PeekRequest.matches(request) {
        let peek = try PeekRequest(request, body, in: wire)
        let answer = try await loop.perform(peek.operation, for: caller(request, channel))
        return wire.response(answer, to: PeekRequest.action, requestID: requestID)
      }
      if [.get, .head].contains(request.method), request.uri.query == nil, request.uri.path == "/" {
        return Self.greeting
      }
      let call = try wire.read(request, body)
      try browser.check(operation: call.name)
      let answer = try await loop.perform(call.operation, for: caller(request, channel))
      return wire.response(answer, to: call.name, requestID: requestID)
    } catch let error as ServiceError {
      return wire.response(error, requestID: requestID)
    }
  }

  private func body(of request: Request) async throws -> ByteBuffer {
    do {
      let announced = request.headers[.contentLength].flatMap(Int.init) ?? 0
      guard announced <= Self.bodyLimit else { throw NIOTooManyBytesError(maxBytes: Self.bodyLimit) }
      return try await request.body.collect(upTo: Self.bodyLimit)
    } catch is NIOTooManyBytesError {
      throw ServiceError("RequestEntityTooLarge", status: 413, "The request has more than \(Self.bodyLimit) bytes.")
    }
  }

  /// The response for a user who opens the address in a browser.
  private static let greeting = Response(
    status: .ok, headers: [.contentType: "text/plain; charset=utf-8"],
    body: ResponseBody(
      byteBuffer: ByteBuffer(
        string: """
          This is a local, SQS-compatible queue. Point an AWS SDK or the AWS CLI at it:

            aws --endpoint-url <this address> sqs list-queues

          """)))

  private func caller(_ request: Request, _ channel: any Channel) -> Caller {
    let scope = CredentialScope(request)
    let host = request.head.authority ?? ""
    return Caller(
      region: scope.region, endpoint: host.isEmpty ? address : "http://\(host)",
      traceHeader: request.headers[.traceID].flatMap { isValidMessageText($0) && !$0.isEmpty ? $0 : nil },
      isConnected: { channel.isActive })
  }

  private func checkHost(_ request: Request) throws {
    guard let authority = request.head.authority else { return }
    guard let host = RequestedHost(authority) else {
      throw ServiceError("InvalidHost", status: 400, "The Host header is no host, with or without a port.")
    }
    guard !isLoopback || host.isLoopback else {
      throw ServiceError(
        "AccessDenied", status: 403,
        "The local queue listens on loopback and was asked for as \(host.name); start it with --host to let other names in."
      )
    }
  }
}

/// An encoding of operations and their results in HTTP.
protocol WireProtocol {
  func read(_ request: Request, _ body: ByteBuffer) throws -> (name: String, operation: any Operation)
  func response(_ answer: JSONValue, to name: String, requestID: String) -> Response
  func response(_ error: ServiceError, requestID: String) -> Response
}

extension WireProtocol {
  /// Decodes an operation.
  ///
  /// - Throws: A ``ServiceError`` that states the missing or invalid parameter.
  func decode(_ name: String, _ json: ByteBuffer) throws -> any Operation {
    guard let type = Operations.all[name] else { throw ServiceError.unknownOperation(name) }
    do {
      return try JSONDecoder().decode(type, from: Data(json.readableBytesView))
    } catch DecodingError.keyNotFound(let key, let context) {
      throw ServiceError.missingParameter((context.codingPath + [key]).map(\.stringValue).joined(separator: "."))
    } catch DecodingError.valueNotFound(_, let context) where !context.codingPath.isEmpty {
      // Null counts as absent.
      throw ServiceError.missingParameter(context.codingPath.map(\.stringValue).joined(separator: "."))
    } catch DecodingError.typeMismatch(_, let context) {
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
