import Foundation
import NIOCore

/// Answers in HTTP, with the headers that SQS sends.
enum HTTPAnswer {
  private static let date: String = {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(identifier: "GMT")
    formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
    // Of the start: no consumer needs a clock from here that is right to the minute.
    return formatter.string(from: Date())
  }()

  private static let reasons = [200: "OK", 400: "Bad Request", 404: "Not Found", 409: "Conflict"]

  static func head(_ status: Int, _ contentType: String, length: Int) -> String {
    """
    HTTP/1.1 \(status) \(reasons[status] ?? "")\r
    x-amzn-RequestId: 00000000-0000-4000-8000-000000000000\r
    Date: \(date)\r
    Content-Type: \(contentType)\r
    Content-Length: \(length)\r
    \r\n
    """
  }

  static func make(status: Int = 200, _ contentType: String, _ body: String) -> ByteBuffer {
    ByteBuffer(string: head(status, contentType, length: body.utf8.count) + body)
  }
}

/// What the Query protocol puts around an answer.
enum Query {
  static func open(_ operation: String) -> String {
    "<?xml version=\"1.0\"?><\(operation)Response xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\">"
  }

  static func close(_ operation: String) -> String {
    "<ResponseMetadata><RequestId>00000000-0000-4000-8000-000000000000</RequestId></ResponseMetadata></\(operation)Response>"
  }

  static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
      .replacing("\"", with: "&quot;")
  }
}

extension Call {
  /// The answer to a batch, or to its single form.
  ///
  /// - Parameter isKnown: Does what is asked, once for each entry; false where its message was never given out.
  func settled(_ isKnown: (Entry) -> Bool) -> ByteBuffer {
    let name = operation?.rawValue ?? ""
    var (known, unknown): ([String], [String]) = ([], [])
    for entry in entries {
      if isKnown(entry) { known.append(entry.id.text) } else { unknown.append(entry.id.text) }
    }
    guard name.hasSuffix("Batch") else {
      guard unknown.isEmpty else { return refused("ReceiptHandleIsInvalid", "The receipt handle is not valid.") }
      return HTTPAnswer.make(wire.contentType, wire == .json ? "" : Query.open(name) + Query.close(name))
    }
    let body: String
    switch wire {
    case .json:
      let done = known.map { "{\"Id\":\"\($0)\"}" }.joined(separator: ",")
      let failed = unknown.map { "{\"Id\":\"\($0)\",\"SenderFault\":true,\"Code\":\"ReceiptHandleIsInvalid\"}" }
      body = "{\"Successful\":[\(done)],\"Failed\":[\(failed.joined(separator: ","))]}"
    case .query:
      let done = known.map { "<\(name)ResultEntry><Id>\($0)</Id></\(name)ResultEntry>" }
      let failed = unknown.map {
        "<BatchResultErrorEntry><Id>\($0)</Id><SenderFault>true</SenderFault>"
          + "<Code>ReceiptHandleIsInvalid</Code></BatchResultErrorEntry>"
      }
      body = Query.open(name) + "<\(name)Result>" + (done + failed).joined() + "</\(name)Result>" + Query.close(name)
    }
    return HTTPAnswer.make(wire.contentType, body)
  }

  func refused(_ code: String, _ message: String) -> ByteBuffer {
    switch wire {
    case .json:
      HTTPAnswer.make(
        status: 400, wire.contentType, "{\"__type\":\"com.amazonaws.sqs#\(code)\",\"message\":\"\(message)\"}")
    case .query:
      HTTPAnswer.make(
        status: 400, wire.contentType,
        "<ErrorResponse><Error><Type>Sender</Type><Code>\(code)</Code><Message>\(message)</Message></Error></ErrorResponse>"
      )
    }
  }
}
