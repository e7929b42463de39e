import Foundation

/// A program that is run to its end. Cancelling the task, or the time limit, kills it.
enum ChildProcess {
  struct Result: Sendable {
    var status: Int32
    var output: [UInt8]
    var errors: [UInt8]
  }

  struct TimeLimitExceeded: Error {}

  /// What is kept of each stream; the rest is read and dropped.
  private static let largestOutput = 262_144

  private struct State: Sendable {
    var status: Int32?
    var output: [UInt8]?
    var errors: [UInt8]?
  }

  /// - Throws: ``TimeLimitExceeded``; `CancellationError`; a `CocoaError` where the program cannot be started.
  static func run(
    _ path: String, _ arguments: [String], environment: [String: String], limit: Duration, clock: WorkerClock
  ) async throws -> Result {
    let process = Process()
    let output = Pipe()
    let errors = Pipe()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.environment = environment
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = errors
    let state = Watched(State())
    process.terminationHandler = { ended in
      // It has ended. Foundation lets go of what it watched it with only when somebody has waited for that.
      ended.waitUntilExit()
      let status = ended.terminationStatus
      state.update { $0.status = status }
    }
    try Task.checkCancellation()
    try process.run()
    read(output) { bytes in state.update { $0.output = bytes } }
    read(errors) { bytes in state.update { $0.errors = bytes } }
    do {
      try await wait(for: state, limit: limit, clock: clock)
    } catch {
      if process.isRunning { end(process.processIdentifier) }
      throw error
    }
    let end = state.value
    return Result(status: end.status ?? -1, output: end.output ?? [], errors: end.errors ?? [])
  }

  /// Kills a program, and what it has started where it leads a group of its own.
  private static func end(_ id: pid_t) {
    kill(getpgid(id) == id ? -id : id, SIGKILL)
  }

  private static func wait(for state: Watched<State>, limit: Duration, clock: WorkerClock) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await state.wait { $0.status != nil && $0.output != nil && $0.errors != nil } }
      group.addTask {
        try await clock.sleep(for: limit)
        throw TimeLimitExceeded()
      }
      try await group.next()
      group.cancelAll()
    }
  }

  /// On a thread of its own: a pipe can only be waited on.
  private static func read(_ pipe: Pipe, whenEnded: @escaping @Sendable ([UInt8]) -> Void) {
    let handle = pipe.fileHandleForReading
    Thread.detachNewThread {
      var bytes: [UInt8] = []
      while let part = try? handle.read(upToCount: 65536), !part.isEmpty {
        bytes.append(contentsOf: part.prefix(max(0, largestOutput - bytes.count)))
      }
      whenEnded(bytes)
    }
  }
}
