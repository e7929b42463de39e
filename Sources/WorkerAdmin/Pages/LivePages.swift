import Foundation
import HTTPServing
import HTTPTypes
import Hummingbird
import NIOCore
import ServiceLifecycle
import WorkerKit

extension Console {
  /// How long a stream lasts; then the browser asks for another, and who it is is found out anew.
  private static let streamLimit = Duration.seconds(600)

  /// Sends parts of a page as server-sent events, each when it has changed.
  ///
  /// - Parameters:
  ///   - interval: How often the parts are made.
  ///   - parts: The parts by their elements' ids; nil where it is over, and the page is to be loaded anew.
  func stream(
    _ request: ConsoleRequest, every interval: Duration,
    _ parts: @escaping @Sendable () async throws -> [(id: String, html: String)]?
  ) throws -> Response {
    guard let slot = streams.take() else {
      throw ConsoleError.busy("There are as many live pages as there may be; close some.")
    }
    let clock = WorkerClock.continuous
    let body = ResponseBody { [self] writer in
      defer { withExtendedLifetime(slot) {} }
      let end = clock.now + Self.streamLimit
      var sent: [String: String] = [:]
      var lastWrite = clock.now
      do {
        try await writer.write(ByteBuffer(string: "retry: 2000\n\n"))
        while clock.now < end, !Task.isShuttingDownGracefully {
          // Whose session is over sees no more.
          _ = try await gate.visitor(request.request, from: request.address, isUse: false)
          let made = try await withTaskExecutorPreference(HTTPServer.pageExecutor) { try await parts() }
          guard let current = made else {
            try await writer.write(ByteBuffer(string: "event: end\ndata: done\n\n"))
            break
          }
          let changed = current.filter { sent[$0.id] != $0.html }
          for part in changed { sent[part.id] = part.html.hasPrefix(" ") ? nil : part.html }
          if !changed.isEmpty || clock.now - lastWrite > .seconds(15) {
            let text = changed.map { Self.event($0.id, $0.html) }.joined()
            try await writer.write(ByteBuffer(string: text.isEmpty ? ": still here\n\n" : text))
            lastWrite = clock.now
          }
          // A stop ends the wait, and the loop sees it.
          try? await cancelWhenGracefulShutdown { try await clock.sleep(for: interval) }
          try Task.checkCancellation()
        }
        if Task.isShuttingDownGracefully {
          try await writer.write(ByteBuffer(string: "event: end\ndata: stopping\n\n"))
        }
      } catch is Gate.Refusal {
        try await writer.write(ByteBuffer(string: "event: end\ndata: logged-out\n\n"))
      } catch is CancellationError {
      }
      try await writer.finish(nil)
    }
    return Response(
      status: .ok,
      headers: Self.security.with([
        .contentType: "text/event-stream", .cacheControl: "no-store",
        // nginx would hold the events back until it has a buffer full of them.
        .accelBuffering: "no",
      ]), body: body)
  }

  private static func event(_ id: String, _ html: String) -> String {
    let lines = html.split(omittingEmptySubsequences: false) { $0.isNewline }.map { "data: \($0)\n" }
    return "event: part\ndata: \(id)\n\(lines.joined())\n"
  }
}
