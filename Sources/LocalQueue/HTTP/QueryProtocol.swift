import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// The older Query protocol, with forms and XML. This type converts its parameters to those of the JSON protocol, and
/// responses from it.
struct QueryProtocol: WireProtocol {
  private static let namespace = "http://queue.amazonaws.com/doc/2012-11-05/"
  /// The operations that do not concern one queue and are rejected at a queue's path, as recordings of SQS show.
  private static let serviceActions: Set = ["CreateQueue", "ListQueues"]

  /// Whether to respond in JSON, as SQS does if the client accepts it.
  private let writesJSON: Bool

  init(_ request: Request) {
    writesJSON = request.headers[.accept]?.contains("application/json") == true
  }

  /// The parameters of a request, from its URL and its body.
  static func form(_ request: Request, _ body: ByteBuffer) -> FormParameters {
    var form = FormParameters(request.uri.query ?? "")
    form.merge(FormParameters(String(buffer: body)))
    return form
  }

  func read(_ request: Request, _ body: ByteBuffer) throws -> (name: String, operation: any Operation) {
    var form = Self.form(request, body)
    guard let action = form["Action"] else { throw ServiceError.noOperation }
    let isAtQueue = request.uri.path.split(separator: "/").count == 2
    if isAtQueue, Self.serviceActions.contains(action) { throw ServiceError.unknownOperation(action) }
    // The queue may be given only by the path.
    if form["QueueUrl"] == nil, isAtQueue { form["QueueUrl"] = request.uri.path }
    return (action, try decode(action, ByteBuffer(bytes: form.json.encoded)))
  }

  func response(_ answer: JSONValue, to name: String, requestID: String) -> Response {
    var elements: [QueryElement] = []
    if answer != .emptyObject || !Self.isVoid(name) {
      elements.append(QueryElement("\(name)Result", QueryNames.elements(of: answer, in: name)))
    }
    elements.append(QueryElement("ResponseMetadata", [QueryElement("RequestId", requestID)]))
    return response(QueryElement("\(name)Response", elements, namespace: Self.namespace), status: .ok, requestID)
  }

  func response(_ error: ServiceError, requestID: String) -> Response {
    let status = HTTPResponse.Status(code: error.status)
    if error == .noOperation {
      return Self.response(QueryElement(error.name, []).xml, "text/xml", status, requestID)
    }
    let document = QueryElement(
      "ErrorResponse",
      [
        QueryElement(
          "Error",
          [
            QueryElement("Type", error.isSenderFault ? "Sender" : "Receiver"), QueryElement("Code", error.code),
            QueryElement("Message", error.queryMessage), QueryElement("Detail", ""),
          ]), QueryElement("RequestId", requestID),
      ], namespace: Self.namespace)
    return response(document, status: status, requestID)
  }

  /// Whether an operation never returns a result, so that its response has no result element.
  private static func isVoid(_ name: String) -> Bool {
    [
      "AddPermission", "ChangeMessageVisibility", "DeleteMessage", "DeleteQueue", "PurgeQueue", "RemovePermission",
      "SetQueueAttributes", "TagQueue", "UntagQueue",
    ].contains(name)
  }

  private func response(_ document: QueryElement, status: HTTPResponse.Status, _ requestID: String) -> Response {
    guard writesJSON else { return Self.response(document.xml, "text/xml", status, requestID) }
    let json = String(decoding: document.json.encoded, as: UTF8.self)
    return Self.response(json, "application/json", status, requestID)
  }

  private static func response(
    _ text: String, _ contentType: String, _ status: HTTPResponse.Status, _ requestID: String
  ) -> Response {
    Response(
      status: status, headers: [.contentType: contentType, .requestID: requestID],
      body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
  }
}
