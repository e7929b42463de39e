import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// The older Query protocol: a form in, XML out. Both are translated at this door: parameters into those of the JSON
/// protocol, answers from them.
struct QueryProtocol: WireProtocol {
  private static let namespace = "http://queue.amazonaws.com/doc/2012-11-05/"

  func read(_ request: Request, _ body: ByteBuffer) throws -> (name: String, operation: any Operation) {
    var form = FormParameters(request.uri.query ?? "")
    form.merge(FormParameters(String(buffer: body)))
    guard let action = form["Action"] else {
      throw ServiceError(
        "MissingAction",
        "The request names no Action; is it a request to SQS? In the JSON protocol the header X-Amz-Target names it.")
    }
    // The queue may be in the path alone.
    if form["QueueUrl"] == nil, request.uri.path.split(separator: "/").count == 2 {
      form["QueueUrl"] = request.uri.path
    }
    return (action, try decode(action, ByteBuffer(bytes: form.json.encoded)))
  }

  func response(_ answer: JSONValue, to name: String, requestID: String) -> Response {
    var xml = XMLWriter()
    xml.element("\(name)Response", [("xmlns", Self.namespace)]) { xml in
      if answer != .emptyObject || !Self.isVoid(name) {
        xml.element("\(name)Result") { QueryNames.write(answer, of: name, to: &$0) }
      }
      xml.element("ResponseMetadata") { $0.element("RequestId", requestID) }
    }
    return Self.response(xml, status: .ok, requestID)
  }

  func response(_ error: ServiceError, requestID: String) -> Response {
    var xml = XMLWriter()
    xml.element("ErrorResponse", [("xmlns", Self.namespace)]) { xml in
      xml.element("Error") {
        $0.element("Type", error.isSenderFault ? "Sender" : "Receiver")
        $0.element("Code", error.code)
        $0.element("Message", error.message)
        $0.element("Detail", "")
      }
      xml.element("RequestId", requestID)
    }
    return Self.response(xml, status: HTTPResponse.Status(code: error.status), requestID)
  }

  /// Whether an operation answers nothing, ever; then its result has no element.
  private static func isVoid(_ name: String) -> Bool {
    [
      "AddPermission", "ChangeMessageVisibility", "DeleteMessage", "DeleteQueue", "PurgeQueue", "RemovePermission",
      "SetQueueAttributes", "TagQueue", "UntagQueue",
    ].contains(name)
  }

  private static func response(_ xml: XMLWriter, status: HTTPResponse.Status, _ requestID: String) -> Response {
    Response(
      status: status, headers: [.contentType: "text/xml", .requestID: requestID],
      body: ResponseBody(byteBuffer: ByteBuffer(string: xml.text)))
  }
}

/// Writes XML. What it is given as text is escaped.
struct XMLWriter {
  private(set) var text = #"<?xml version="1.0"?>"#

  mutating func element(_ name: String, _ attributes: [(String, String)] = [], _ content: (inout XMLWriter) -> Void) {
    text += "<\(name)\(attributes.map { #" \#($0)="\#(Self.escape($1))""# }.joined())>"
    content(&self)
    text += "</\(name)>"
  }

  mutating func element(_ name: String, _ value: String) {
    element(name) { $0.text += Self.escape(value) }
  }

  private static func escape(_ value: String) -> String {
    guard value.utf8.contains(where: { $0 < 0x20 || "<>&\"".utf8.contains($0) }) else { return value }
    return value.unicodeScalars.reduce(into: "") { result, scalar in
      switch scalar {
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "&": result += "&amp;"
      case "\"": result += "&quot;"
      // A parser would make a line feed of it.
      case "\r": result += "&#xD;"
      // No XML can have it, escaped or not.
      case "\u{0}"..."\u{8}", "\u{B}", "\u{C}", "\u{E}"..."\u{1F}": result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
  }
}
