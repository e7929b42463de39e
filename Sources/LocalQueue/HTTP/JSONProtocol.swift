import HTTPTypes
import Hummingbird
import NIOCore

/// AWS JSON 1.0: a header names the operation, and the body is a JSON object with its parameters.
struct JSONProtocol: WireProtocol {
  private static let targetPrefix = "AmazonSQS."
  private static let contentType = "application/x-amz-json-1.0"

  static func speaks(_ request: Request) -> Bool {
    request.headers[.target] != nil || request.headers[.contentType]?.hasPrefix("application/x-amz-json") == true
  }

  func read(_ request: Request, _ body: ByteBuffer) throws -> (name: String, operation: any Operation) {
    let target = request.headers[.target] ?? ""
    guard target.hasPrefix(Self.targetPrefix) else { throw ServiceError.unknownOperation(target) }
    let name = String(target.dropFirst(Self.targetPrefix.count))
    return (name, try decode(name, body.readableBytes == 0 ? ByteBuffer(string: "{}") : body))
  }

  func response(_ answer: JSONValue, to name: String, requestID: String) -> Response {
    Response(
      status: .ok, headers: [.contentType: Self.contentType, .requestID: requestID],
      body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.encoded)))
  }

  func response(_ error: ServiceError, requestID: String) -> Response {
    let body: JSONValue = ["__type": .string("com.amazonaws.sqs#\(error.name)"), "message": .string(error.message)]
    return Response(
      status: HTTPResponse.Status(code: error.status),
      headers: [
        .contentType: Self.contentType, .requestID: requestID,
        // Clients that expect codes of the Query protocol read this header.
        .queryError: "\(error.code);\(error.isSenderFault ? "Sender" : "Receiver")",
      ],
      body: ResponseBody(byteBuffer: ByteBuffer(bytes: body.encoded)))
  }
}

extension HTTPField.Name {
  static let target = valid("X-Amz-Target")
  static let requestID = valid("x-amzn-RequestId")
  static let queryError = valid("x-amzn-query-error")
  static let traceID = valid("X-Amzn-Trace-Id")
  static let fetchSite = valid("Sec-Fetch-Site")
  static let upgradeInsecureRequests = valid("Upgrade-Insecure-Requests")

  private static func valid(_ name: String) -> HTTPField.Name {
    guard let name = HTTPField.Name(name) else { preconditionFailure("\(name) is no name of a header") }
    return name
  }
}
