/// One request of a consumer's, as far as it matters here. Its entries are good until it is answered.
struct Call {
  /// One message of a batch.
  struct Entry {
    /// As the request has it; empty where the request has none.
    let id: Bytes
    /// nil where the handle is none that was given out.
    let index: Int?
  }

  private(set) var wire = Wire.json
  /// nil for one that the stub does not know.
  private(set) var operation: Operation?
  private(set) var maxMessages = 1
  /// In seconds.
  private(set) var waitTime = 0
  private(set) var wantsAttributes = false
  private(set) var entries: [Entry] = []

  private var id: Bytes?
  private var handle: Bytes?

  init(_ head: RequestHead, _ body: Bytes) {
    if head.isJSON {
      operation = head.operation
      Fields.forEach(inJSON: body) { add($0, $1) }
    } else {
      wire = .query
      Fields.forEach(inForm: body) { add($0, $1) }
    }
    if let handle { entries.append(Entry(id: body.part(0..<0), index: Handle.index(of: handle))) }
  }

  private mutating func add(_ name: Bytes, _ value: Bytes) {
    if name.isEqual(to: "ReceiptHandle") {
      handle = value
    } else if name.isEqual(to: "Id") {
      id = value
    } else if name.isEqual(to: "MaxNumberOfMessages") {
      maxMessages = value.number ?? 1
    } else if name.isEqual(to: "WaitTimeSeconds") {
      waitTime = value.number ?? 0
    } else if name.hasPrefix("AttributeName") || name.hasPrefix("MessageSystemAttributeName") {
      wantsAttributes = true
    } else if name.isEqual(to: "Action"), wire == .query {
      operation = Operation(rawValue: value.text)
    }
    // In either order.
    if let id, let handle {
      entries.append(Entry(id: id, index: Handle.index(of: handle)))
      self.id = nil
      self.handle = nil
    }
  }
}

/// Receipt handles, as long as SQS's. The message's number is in them twice, so that a damaged one is seen.
enum Handle {
  static let prefix: StaticString = "AQEB"
  /// As in base64, with the characters that a form must encode.
  static let filler: String = {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    var state: UInt32 = 1
    return String(
      (0..<384).map { _ in
        state = state &* 1_664_525 &+ 1_013_904_223
        return alphabet[Int(state >> 26)]
      })
  }()

  static func index(of handle: Bytes) -> Int? {
    let (start, digits) = (prefix.utf8CodeUnitCount, MessageTemplate.numberLength)
    guard handle.count >= start + digits + filler.utf8.count + digits, handle.hasPrefix(prefix) else { return nil }
    guard let number = handle.part(start..<start + digits).number,
      handle.part(handle.count - digits..<handle.count).number == number
    else { return nil }
    return number
  }
}
