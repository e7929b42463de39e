import Foundation
import NIOCore

/// What whoever measures can ask, over the same port.
///
/// | request | what it does |
/// |---|---|
/// | `POST /load?N`, an event as the body | begins anew with N messages that hold the event, while no receive waits |
/// | `POST /round-trip?MS` | holds every later answer to a consumer back for so many milliseconds, as a network would |
/// | `POST /send`, an event | gives one message to a receive that waits, with its `sentAt` added; 409 where none waits |
/// | `POST /burst?N` | puts N messages more, as those of the last load, into the queue at once; receives that wait get theirs |
/// | `GET /handed-out` | since the last burst, when each message was handed out, in nanoseconds after it |
/// | `GET /report` | tells what was asked, and what became of the messages |
enum Control {
  case load(Int)
  case roundTrip(milliseconds: Int)
  case send
  case burst(Int)
  case handedOut
  case report

  /// nil for what a consumer asks.
  init?(_ head: RequestHead) {
    switch (head.method, head.path) {
    case ("POST", "/send"): self = .send
    case ("GET", "/report"): self = .report
    case ("GET", "/handed-out"): self = .handedOut
    case ("POST", let path):
      if let count = Self.number(in: path, after: "/load?") {
        self = .load(count)
      } else if let count = Self.number(in: path, after: "/burst?") {
        self = .burst(count)
      } else if let milliseconds = Self.number(in: path, after: "/round-trip?") {
        self = .roundTrip(milliseconds: milliseconds)
      } else {
        return nil
      }
    default: return nil
    }
  }

  private static func number(in path: String, after prefix: String) -> Int? {
    guard path.hasPrefix(prefix), let number = Int(path.dropFirst(prefix.count)), number >= 0 else { return nil }
    return number
  }

  func perform(_ body: Bytes, queue: StubQueue) -> ByteBuffer {
    do {
      switch self {
      case .load(let count):
        try queue.load(count, body: body.text)
      case .roundTrip(let milliseconds):
        queue.roundTrip = .milliseconds(Int64(milliseconds))
      case .send:
        let event = body.text.trimmingPrefix { $0.isWhitespace }
        let sentAt = NIODeadline.now().uptimeNanoseconds
        guard try queue.send("{\"sentAt\":\(sentAt),\(event.dropFirst())") else {
          return Self.answer(409, "no receive waits; send when /report has `waiting` above 0\n")
        }
      case .burst(let count):
        queue.burst(count)
      case .handedOut:
        return try Self.answer(queue.tally.sinceBurst)
      case .report:
        return try Self.answer(Report(queue))
      }
      return Self.answer(200, "{}")
    } catch {
      return Self.answer(400, "\(error)\n")
    }
  }

  private static func answer(_ value: some Encodable) throws -> ByteBuffer {
    answer(200, String(decoding: try JSONEncoder().encode(value), as: UTF8.self))
  }

  private static func answer(_ status: Int, _ body: String) -> ByteBuffer {
    HTTPAnswer.make(status: status, status == 200 ? "application/json" : "text/plain", body)
  }
}
