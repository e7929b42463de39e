import Foundation
import Logging
import Testing

@testable import WorkerTelemetry

@Suite("Log output")
struct LogOutputTests {
  @Test("lines of many tasks are whole, and none is lost where the pipe is slow and does not block")
  func whole() async throws {
    let pipe = Pipe()
    let writer = pipe.fileHandleForWriting.fileDescriptor
    _ = fcntl(writer, F_SETFL, fcntl(writer, F_GETFL) | O_NONBLOCK)
    let output = LogOutput(descriptor: writer)
    let lines = (0..<8).map { String(repeating: "\($0)", count: 9_000) }
    // On a thread of its own: the tasks' threads may all be waiting to write.
    let reader = pipe.fileHandleForReading
    let (bytes, continuation) = AsyncStream.makeStream(of: Data.self)
    Thread.detachNewThread {
      continuation.yield(reader.readDataToEndOfFile())
      continuation.finish()
    }
    await withTaskGroup(of: Void.self) { group in
      for line in lines {
        group.addTask { for _ in 0..<20 { output.write(line) } }
      }
    }
    try pipe.fileHandleForWriting.close()
    let read = try #require(await bytes.first { _ in true })
    let found = String(decoding: read, as: UTF8.self).split(separator: "\n").map(String.init)
    #expect(found.count == 160)
    #expect(Set(found) == Set(lines))
  }

  @Test("a reader that has gone away is no error")
  func broken() throws {
    signal(SIGPIPE, SIG_IGN)
    let pipe = Pipe()
    try pipe.fileHandleForReading.close()
    LogOutput(descriptor: pipe.fileHandleForWriting.fileDescriptor).write("nobody reads this")
  }

  @Test("a handler joins what its logger, the task and the event say, the event last")
  func merged() throws {
    let pipe = Pipe()
    let output = LogOutput(descriptor: pipe.fileHandleForWriting.fileDescriptor)
    var logger = Logger(label: "worker.sqs") { label in
      FormattedLogHandler(
        label: label, level: .info, format: JSONFormat(), output: output,
        metadataProvider: .init { ["a": "task", "b": "task"] })
    }
    logger[metadataKey: "a"] = "logger"
    logger.info("said", metadata: ["b": "event"])
    logger.debug("not said")
    logger.error("failed")
    try pipe.fileHandleForWriting.close()
    let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let lines = text.split(separator: "\n")
    #expect(lines.count == 2)
    #expect(lines.first?.contains(#""metadata":{"a":"task","b":"event"}"#) ?? false)
    #expect(lines.first?.contains(#""source""#) == false)
    #expect(lines.last?.contains(#""source":"WorkerTelemetryTests/LogOutputTests.swift:"#) ?? false)
  }
}
