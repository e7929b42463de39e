/// What the first lines of an HTTP request say, as far as it matters here.
struct RequestHead {
  private(set) var method = ""
  private(set) var path = ""
  /// `ReceiveMessage`, where it is in AWS JSON.
  private(set) var operation: Operation?
  private(set) var isJSON = false
  /// In bytes, with the empty line.
  private(set) var length = 0
  private(set) var bodyLength = 0

  /// nil where the last line has not come yet.
  init?(_ bytes: Bytes) {
    var start = 0
    while let end = bytes.first("\n", from: start) {
      // Lines end with CR and LF.
      let line = bytes.part(start..<max(start, end - 1))
      if start == 0 {
        readRequestLine(line)
      } else if line.isEmpty {
        length = end + 1
        return
      } else {
        readHeader(line)
      }
      start = end + 1
    }
    return nil
  }

  private mutating func readRequestLine(_ line: Bytes) {
    guard let space = line.first(" ", from: 0), let end = line.first(" ", from: space + 1) else { return }
    method = line.part(0..<space).text
    path = line.part(space + 1..<end).text
  }

  private mutating func readHeader(_ line: Bytes) {
    guard let colon = line.first(":", from: 0) else { return }
    let name = line.part(0..<colon)
    var value: Bytes { line.part(min(colon + 2, line.count)..<line.count) }
    if name.isName("content-length") {
      bodyLength = value.number ?? 0
    } else if name.isName("x-amz-target") {
      isJSON = true
      let target = value
      operation = target.first(".", from: 0).flatMap { dot in
        Operation(rawValue: target.part(dot + 1..<target.count).text)
      }
    }
  }
}

/// What consumers ask of SQS.
enum Operation: String, CaseIterable {
  case receiveMessage = "ReceiveMessage"
  case deleteMessage = "DeleteMessage"
  case deleteMessageBatch = "DeleteMessageBatch"
  case changeMessageVisibility = "ChangeMessageVisibility"
  case changeMessageVisibilityBatch = "ChangeMessageVisibilityBatch"
  case getQueueAttributes = "GetQueueAttributes"
  case getQueueURL = "GetQueueUrl"
}

/// The protocol that a request is in, and its answer will be.
enum Wire: CaseIterable {
  case json, query

  var contentType: String {
    switch self {
    case .json: "application/x-amz-json-1.0"
    case .query: "text/xml"
    }
  }
}
