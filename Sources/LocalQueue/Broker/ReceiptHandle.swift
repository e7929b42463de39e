import Foundation

/// A receipt handle, which identifies a message and one receive of it.
struct ReceiptHandle: Equatable {
  let queue: Int64
  let message: Int64
  let receiveCount: Int

  init(queue: Int64, message: Int64, receiveCount: Int) {
    self.queue = queue
    self.message = message
    self.receiveCount = receiveCount
  }

  /// Parses a handle.
  ///
  /// - Throws: `ReceiptHandleIsInvalid` if the text is not a handle of this queue.
  init(_ text: String, of queue: Queue) throws {
    let parts = Data(base64Encoded: text).map { String(decoding: $0, as: UTF8.self).split(separator: ".") } ?? []
    guard parts.count == 4, parts[0] == "receipt", let id = Int64(parts[1]), let message = Int64(parts[2]),
      let receiveCount = Int(parts[3]), id == queue.id
    else { throw ServiceError.receiptHandleIsInvalid(text) }
    self.init(queue: id, message: message, receiveCount: receiveCount)
  }

  var text: String { Data("receipt.\(queue).\(message).\(receiveCount)".utf8).base64EncodedString() }
}
