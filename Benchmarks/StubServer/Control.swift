import Foundation
import NIOCore

/// What whoever measures can ask, over the same port.
///
/// | request | what it does |
/// |---|---|
/// | `POST /load?N`, an event as the body | begins anew with N messages that hold the event, while no receive waits |
/// | `POST /send`, an event | gives one message to a receive that waits, with its `sentAt` added; 409 where none waits |
/// | `GET /report` | tells what was asked, and what became of the messages |
enum Control {
  case load(Int)
  case send
  case report

  /// nil for what a consumer asks.
  init?(_ head: RequestHead) {
    switch (head.method, head.path) {
    case ("POST", "/send"): self = .send
    case ("GET", "/report"): self = .report
    case ("POST", let path) where path.hasPrefix("/load?"):
      guard let count = Int(path.dropFirst(6)), count >= 0 else { return nil }
      self = .load(count)
    default: return nil
    }
  }

  func perform(_ body: Bytes, queue: StubQueue) -> ByteBuffer {
    do {
      switch self {
      case .load(let count):
        try queue.load(count, body: body.text)
      case .send:
        let event = body.text.trimmingPrefix { $0.isWhitespace }
        let sentAt = NIODeadline.now().uptimeNanoseconds
        guard try queue.send("{\"sentAt\":\(sentAt),\(event.dropFirst())") else {
          return Self.answer(409, "no receive waits; send when /report has `waiting` above 0\n")
        }
      case .report:
        return Self.answer(200, String(decoding: try JSONEncoder().encode(Report(queue)), as: UTF8.self))
      }
      return Self.answer(200, "{}")
    } catch {
      return Self.answer(400, "\(error)\n")
    }
  }

  private static func answer(_ status: Int, _ body: String) -> ByteBuffer {
    HTTPAnswer.make(status: status, status == 200 ? "application/json" : "text/plain", body)
  }
}
