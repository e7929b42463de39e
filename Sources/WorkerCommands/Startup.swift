import Foundation
import Logging
import ServiceLifecycle
import WorkerKit
import WorkerLocks

/// The start of a service: checking queues, opening databases, creating plugins. Each step may take long, or never
/// return. Health reports the current step, and a stop ends the start: the process does not wait for a step that
/// ignores its cancellation.
final class Startup: Sendable {
  /// How long a stopped start has to end.
  private static let grace = Duration.seconds(1)

  private let status: Int32
  private let steps = Mutex<[String]>([])
  private let isOver = AsyncValue(false)

  /// Creates a start.
  ///
  /// - Parameter status: The exit status of the process if a stop ends it.
  init(exitStatus status: Int32 = EXIT_SUCCESS) {
    self.status = status
  }

  /// The current steps, for people; nil after the start has ended.
  var activity: String? {
    guard !isOver.value else { return nil }
    let steps = steps.withLock { $0 }
    return steps.isEmpty ? "begins" : steps.joined(separator: ", ")
  }

  /// Runs a step, whose name ``activity`` contains: `asks the queue prizes`.
  func step<Result>(_ name: String, _ body: () async throws -> Result) async rethrows -> Result {
    steps.withLock { $0.append(name) }
    defer { steps.withLock { steps in steps.firstIndex(of: name).map { _ = steps.remove(at: $0) } } }
    return try await body()
  }

  /// Runs the start on Swift's pool: plugin code may block, and the worker's own thread handles signals.
  ///
  /// - Returns: nil if a stop has ended it.
  func run<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result? {
    async let _: Void = exitWhereStopFindsItStuck()
    defer { end() }
    do {
      return try await cancelWhenGracefulShutdown {
        try await withTaskExecutorPreference(globalConcurrentExecutor) { try await body() }
      }
    } catch  where Task.isShuttingDownGracefully {
      return nil
    }
  }

  func end() {
    isOver.update { $0 = true }
  }

  /// Exits the process if a stop is requested and the start does not end within a second. Returns when the start has
  /// ended, or when the task is cancelled.
  func exitWhereStopFindsItStuck() async {
    guard (try? await gracefulShutdown()) != nil else { return }
    guard await !WorkerClock.continuous.isMet(within: Self.grace, { try await self.isOver.wait { $0 } }) else { return }
    Foundation.exit(status)
  }
}

/// A service with its own start, whose end it reports to a ``Startup``.
struct StartingService<Base: Service>: Service {
  let base: Base
  let startup: Startup

  func run() async throws {
    async let _: Void = startup.exitWhereStopFindsItStuck()
    defer { startup.end() }
    try await base.run()
  }
}
