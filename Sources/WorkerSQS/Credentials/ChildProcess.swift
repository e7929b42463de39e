import Foundation
import Subprocess
import WorkerKit

#if canImport(System)
  import System
#else
  import SystemPackage
#endif

/// Runs a program to its end. Cancellation of the task, or the time limit, kills the program and what it started.
///
/// Foundation's `Process` is not used: it reads past the end of a buffer if many files are open, which ends the worker.
enum ChildProcess {
  struct Result: Sendable {
    var status: Int32
    var output: [UInt8]
    var errors: [UInt8]
  }

  struct TimeLimitExceeded: Error {}

  /// How many bytes of each stream are kept. The rest is read and dropped.
  private static let largestOutput = 262_144

  /// Runs a program.
  ///
  /// - Throws: ``TimeLimitExceeded``; `CancellationError`; a `SubprocessError` if the program cannot be started.
  static func run(
    _ path: String, _ arguments: [String], environment: [String: String], limit: Duration, clock: WorkerClock
  ) async throws -> Result {
    try Task.checkCancellation()
    var options = PlatformOptions()
    // A group of its own, so that what it starts in its turn ends with it.
    options.processGroupID = 0
    let configuration = Configuration(
      executable: .path(FilePath(path)), arguments: Arguments(arguments),
      environment: .custom(
        Dictionary(uniqueKeysWithValues: environment.map { (Environment.Key(stringLiteral: $0.key), $0.value) })),
      platformOptions: options)
    return try await withThrowingTaskGroup(of: Result.self) { group in
      group.addTask { try await run(configuration) }
      group.addTask {
        try await clock.sleep(for: limit)
        throw TimeLimitExceeded()
      }
      defer { group.cancelAll() }
      guard let result = try await group.next() else { throw CancellationError() }
      return result
    }
  }

  private static func run(_ configuration: Configuration) async throws -> Result {
    let ended = try await Subprocess.run(configuration, input: .none, output: .sequence, error: .sequence) {
      execution in
      let group = execution.processIdentifier.value
      return await withTaskCancellationHandler {
        async let errors = bytes(of: execution.standardError)
        let output = await bytes(of: execution.standardOutput)
        return (output: output, errors: await errors)
      } onCancel: {
        kill(-group, SIGKILL)
      }
    }
    try Task.checkCancellation()
    let (output, errors) = ended.closureResult
    return Result(status: ended.terminationStatus.code, output: output, errors: errors)
  }

  private static func bytes(of stream: SubprocessOutputSequence) async -> [UInt8] {
    var bytes: [UInt8] = []
    do {
      for try await part in stream {
        part.withUnsafeBytes { bytes.append(contentsOf: $0.prefix(max(0, largestOutput - bytes.count))) }
      }
    } catch {}
    return bytes
  }
}

extension TerminationStatus {
  /// The exit code, or the number of the signal that ended the process.
  fileprivate var code: Int32 {
    switch self {
    case .exited(let code): Int32(code)
    case .signaled(let signal): Int32(signal)
    }
  }
}
