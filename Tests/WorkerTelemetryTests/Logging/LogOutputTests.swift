import Foundation
import Logging
import TestSupport
import Testing

@testable import WorkerTelemetry

@Suite("Log output")
struct LogOutputTests {
  @Test("lines of many tasks are whole, and none is lost where the pipe is slow and does not block")
  func whole() async throws {
    let pipe = Pipe()
    pipe.keepFromChildren()
    let writer = pipe.fileHandleForWriting.fileDescriptor
    _ = fcntl(writer, F_SETFL, fcntl(writer, F_GETFL) | O_NONBLOCK)
    let output = LogOutput(descriptor: writer, capacity: 2_000_000)
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
    #expect(output.flush(within: .seconds(60)))
    try pipe.fileHandleForWriting.close()
    let read = try #require(await bytes.first { _ in true })
    let found = String(decoding: read, as: UTF8.self).split(separator: "\n").map(String.init)
    #expect(found.count == 160)
    #expect(Set(found) == Set(lines))
  }

  @Test(
    "where nobody reads, a caller waits for nothing; what finds no room is counted, and reported when somebody reads")
  func blocked() async throws {
    let pipe = Pipe()
    pipe.keepFromChildren()
    let output = LogOutput(
      descriptor: pipe.fileHandleForWriting.fileDescriptor, name: "the pipe", capacity: 100_000)
    output.reportLosses { "warning: \($0)" }
    let line = String(repeating: "x", count: 999)
    for _ in 0..<10_000 { output.write(line) }
    #expect(!output.flush(within: .milliseconds(10)))
    let reader = pipe.fileHandleForReading
    let (bytes, continuation) = AsyncStream.makeStream(of: Data.self)
    Thread.detachNewThread {
      continuation.yield(reader.readDataToEndOfFile())
      continuation.finish()
    }
    #expect(output.flush(within: .seconds(60)))
    output.write("heard again")
    #expect(output.flush(within: .seconds(60)))
    try pipe.fileHandleForWriting.close()
    let read = try #require(await bytes.first { _ in true })
    var lines = String(decoding: read, as: UTF8.self).split(separator: "\n").map(String.init)
    let last = lines.popLast()
    #expect(last == "heard again")
    // Before the pipe was full, some may have been lost to the thread's slow start.
    let lost = lines.compactMap { line in
      line.wholeMatch(of: /warning: (\d+) log lines? (was|were) lost while the pipe did not accept them/)
        .flatMap { Int($0.1) }
    }
    #expect((1...2).contains(lost.count))
    let whole = lines.count { $0 == line }
    #expect(whole + lost.count == lines.count)
    #expect(whole + lost.reduce(0, +) == 10_000)
  }

  @Test("a reader that has gone away is no error")
  func broken() throws {
    signal(SIGPIPE, SIG_IGN)
    let pipe = Pipe()
    pipe.keepFromChildren()
    try pipe.fileHandleForReading.close()
    let output = LogOutput(descriptor: pipe.fileHandleForWriting.fileDescriptor)
    for _ in 0..<3 {
      output.write("nobody reads this")
      #expect(output.flush(within: .seconds(60)))
    }
  }

  @Test("a file that takes nothing for a while gets whole lines again, and how many were lost")
  func full() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    let descriptor = open(path, O_RDWR | O_CREAT | O_APPEND, 0o600)
    defer { unlink(path) }
    let output = LogOutput(descriptor: descriptor)
    output.write("first")
    #expect(output.flush(within: .seconds(60)))
    let nowhere = open("/dev/full", O_WRONLY)
    let kept = dup(descriptor)
    dup2(nowhere, descriptor)
    for _ in 0..<3 { output.write("lost") }
    #expect(output.flush(within: .seconds(60)))
    dup2(kept, descriptor)
    output.write("second")
    #expect(output.flush(within: .seconds(60)))
    let text = try String(contentsOfFile: path, encoding: .utf8)
    #expect(text == "first\nsecond\n3 log lines were lost while the file did not accept them\n")
  }

  @Test("a handler joins what its logger, the task and the event say, the event last")
  func merged() throws {
    let pipe = Pipe()
    pipe.keepFromChildren()
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
    #expect(output.flush(within: .seconds(60)))
    try pipe.fileHandleForWriting.close()
    let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let lines = text.split(separator: "\n")
    #expect(lines.count == 2)
    #expect(lines.first?.contains(#""metadata":{"a":"task","b":"event"}"#) ?? false)
    #expect(lines.first?.contains(#""source""#) == false)
    #expect(lines.last?.contains(#""source":"WorkerTelemetryTests/LogOutputTests.swift:"#) ?? false)
  }
}
