import Logging
import Subprocess

/// Writes what processes print for people into the worker's log, line by line.
struct ProcessLog: Sendable {
  enum Stream: String {
    case standardOutput = "stdout"
    case standardError = "stderr"
  }

  let program: String
  let pid: Int32
  /// Knows the event that a line is about, as far as that can be told.
  let logger: @Sendable () -> Logger

  /// Returns when the stream has ended.
  func write(_ output: SubprocessOutputSequence, from stream: Stream) async {
    var splitter = LineSplitter()
    do {
      for try await buffer in output {
        for line in buffer.withUnsafeBytes({ splitter.add($0) }) { write(line, from: stream) }
      }
    } catch {
      logger().debug("a program's output cannot be read", metadata: metadata(["error": "\(error)"]))
    }
    if let line = splitter.finish() { write(line, from: stream) }
  }

  private func write(_ line: LineSplitter.Line, from stream: Stream) {
    guard !line.bytes.isEmpty else { return }
    var metadata = metadata(["stream": "\(stream.rawValue)", "line": "\(line.text)"])
    if line.isCut { metadata["cut"] = "after \(LineSplitter.limit) bytes" }
    logger().info("the program says", metadata: metadata)
  }

  private func metadata(_ more: Logger.Metadata) -> Logger.Metadata {
    more.merging(["program": "\(program)", "pid": "\(pid)"]) { first, _ in first }
  }
}
