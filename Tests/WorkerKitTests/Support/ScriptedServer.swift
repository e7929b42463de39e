import Foundation

/// A real HTTP server in a process of its own, which answers as the test tells it.
final class ScriptedServer: Sendable {
  struct Answer: Encodable {
    var status = 200
    var headers: [String: String] = [:]
    var body = ""
    /// `answer`, `hold` (never answers), `cut` (closes first) or `truncate` (closes half-way).
    var act = "answer"
  }

  struct Request: Decodable {
    /// Which connection it came on, from 1.
    var connection: Int
    var headers: [String: String]
    var body: String
  }

  let port: Int
  private let process: Process
  private let script: FileHandle
  private let requests: LineReader

  init(certificate: String? = nil, key: String? = nil) throws {
    let input = Pipe()
    let output = Pipe()
    process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("scripted_server.py")
    process.arguments = ["python3", path.path] + [certificate, key].compactMap(\.self)
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    script = input.fileHandleForWriting
    requests = LineReader(output.fileHandleForReading)
    guard let line = requests.next(), let port = Int(line) else { throw CocoaError(.fileReadUnknown) }
    self.port = port
  }

  deinit {
    process.terminate()
  }

  var url: String { "http://127.0.0.1:\(port)/" }

  func answer(_ answers: Answer...) throws {
    for answer in answers {
      script.write(try JSONEncoder().encode(answer) + Data("\n".utf8))
    }
  }

  /// The next request that came, waiting for it.
  func nextRequest() async throws -> Request {
    // On a thread of its own: blocking one of the few that tasks share could keep the request from being sent.
    let line = await withCheckedContinuation { continuation in
      Thread.detachNewThread { [requests] in continuation.resume(returning: requests.next()) }
    }
    guard let line else { throw CocoaError(.fileReadUnknown) }
    return try JSONDecoder().decode(Request.self, from: Data(line.utf8))
  }
}

/// Lines of a pipe, one at a time.
private final class LineReader: Sendable {
  private let handle: FileHandle
  private let buffer = Buffer()

  private final class Buffer: @unchecked Sendable {
    // Guarded by the lock.
    let lock = NSLock()
    var bytes: [UInt8] = []
  }

  init(_ handle: FileHandle) {
    self.handle = handle
  }

  func next() -> String? {
    buffer.lock.withLock {
      while true {
        if let end = buffer.bytes.firstIndex(of: 10) {
          let line = String(decoding: buffer.bytes[..<end], as: UTF8.self)
          buffer.bytes.removeFirst(end + 1)
          return line
        }
        let data = handle.availableData
        guard !data.isEmpty else { return nil }
        buffer.bytes.append(contentsOf: data)
      }
    }
  }
}
