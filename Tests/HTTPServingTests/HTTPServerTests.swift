import Foundation
import HTTPServing
import HTTPTypes
import HummingbirdCore
import Logging
import Testing

@Suite("A server")
struct HTTPServerTests {
  @Test("answers under its own executor though every thread of Swift's runtime is taken")
  func blockedThreads() async throws {
    let (ports, listening) = AsyncStream<Int>.makeStream()
    let server = HTTPServer(
      host: "127.0.0.1", port: 0, limits: .init(connections: 8, bodySize: 0), logger: Logger(label: "test"),
      onListening: { listening.yield($0) }, respond: { _, _ in Response(status: .ok) })
    let running = Task { try await withTaskExecutorPreference(HTTPServer.executor) { try await server.run() } }
    var iterator = ports.makeAsyncIterator()
    let port = try #require(await iterator.next())
    let blockers = Blockers(count: ProcessInfo.processInfo.activeProcessorCount)
    let answer = await withCheckedContinuation { continuation in
      Thread.detachNewThread {
        blockers.waitUntilAllBlock()
        let answer = Self.answer(onPort: port)
        blockers.release()
        continuation.resume(returning: answer)
      }
      blockers.start()
    }
    #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
    running.cancel()
    _ = await running.result
  }

  /// Blocks its thread.
  ///
  /// - Returns: nothing where none comes within a minute.
  private static func answer(onPort port: Int) -> String {
    #if canImport(Glibc)
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    #else
      let descriptor = socket(AF_INET, SOCK_STREAM, 0)
    #endif
    defer { close(descriptor) }
    var patience = timeval(tv_sec: 60, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
    }
    let request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    guard connected == 0, write(descriptor, request, request.utf8.count) == request.utf8.count else { return "" }
    var bytes = [UInt8](repeating: 0, count: 1000)
    let count = read(descriptor, &bytes, bytes.count)
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
  }
}

/// Tasks that take threads of Swift's runtime, and keep them.
private final class Blockers: Sendable {
  private let count: Int
  private let hasBegun = DispatchSemaphore(value: 0)
  private let end = DispatchSemaphore(value: 0)

  init(count: Int) {
    self.count = count
  }

  func start() {
    for _ in 0..<count { Task.detached { self.block() } }
  }

  func waitUntilAllBlock() {
    for _ in 0..<count { _ = hasBegun.wait(timeout: .now() + .seconds(10)) }
  }

  func release() {
    for _ in 0..<count { end.signal() }
  }

  private func block() {
    hasBegun.signal()
    end.wait()
  }
}
