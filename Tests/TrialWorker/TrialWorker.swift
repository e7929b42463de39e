import Foundation
import Logging
import PrizePlugins
import WorkerCommands
import WorkerKit

/// A worker whose handlers do what their events say, so that tests from outside can see what the framework makes of it.
/// Beside them are those that grant prizes, so that tests can see what one plugin's handlers do to another's.
@main struct TrialWorker: WorkerApplication {
  static let plugins: [any WorkerPlugin.Type] = [
    TrialPlugin.self, GuardedPlugin.self, ServedPlugin.self, PrizePlugin.self,
  ]
}

/// What a handler is to do, in this order.
struct Trial: Decodable, Sendable {
  /// Blocks the thread.
  var blockSeconds: Double?
  /// Blocks a thread of those that are there for it.
  var runBlockingSeconds: Double?
  /// Waits as a handler should, and heeds its cancellation.
  var waitSeconds: Double?
  /// Fails while there is such a file, with the kind that the file names.
  var failWhile: String?
  var failKind: String?
  /// Crashes the process.
  var crash: Bool?
  /// A line of the file in the environment's TRIAL_RECORD is written at the end.
  var name: String
}

/// Beside the framework's own: no health check. It is never made where TRIAL_INIT says that its initializer blocks its
/// thread, or waits and ignores its cancellation; then there is a file `init`.
struct TrialPlugin: WorkerPlugin {
  static let name = "trial"

  static func register(in handlers: inout HandlerRegistry<TrialPlugin>) {
    handlers.add("do") { _ in TrialHandler() }
  }

  init(configuration: ConfigurationValues) async {
    guard let how = ProcessInfo.processInfo.environment["TRIAL_INIT"] else { return }
    _ = FileManager.default.createFile(atPath: "init", contents: nil)
    while true {
      if how == "blocks" { Self.block() } else { try? await Task.sleep(for: .milliseconds(100)) }
    }
  }

  private static func block() {
    Thread.sleep(forTimeInterval: 1)
  }
}

/// The same with a health check: down while there is a file at TRIAL_DOWN.
struct GuardedPlugin: WorkerPlugin, PluginHealth {
  static let name = "guarded"

  static func register(in handlers: inout HandlerRegistry<GuardedPlugin>) {
    handlers.add("do") { _ in TrialHandler() }
  }

  init(configuration: ConfigurationValues) {}

  func checkHealth() async throws {
    let path = ProcessInfo.processInfo.environment["TRIAL_DOWN"] ?? ""
    if FileManager.default.fileExists(atPath: path) { throw EventError(.unavailable, "there is a file at TRIAL_DOWN") }
  }
}

/// The same with something that runs beside the consumers, and fails as soon as there is a file at TRIAL_DOWN.
struct ServedPlugin: PluginService {
  static let name = "served"

  static func register(in handlers: inout HandlerRegistry<ServedPlugin>) {
    handlers.add("do") { _ in TrialHandler() }
  }

  init(configuration: ConfigurationValues) {}

  func run() async throws {
    let logger = Logger(label: "trial")
    logger.info("the service begins")
    let path = ProcessInfo.processInfo.environment["TRIAL_DOWN"] ?? ""
    while !FileManager.default.fileExists(atPath: path) {
      do {
        try await Task.sleep(for: .milliseconds(50))
      } catch {
        logger.info("the service is cancelled")
        throw error
      }
    }
    throw EventError(.unavailable, "there is a file at TRIAL_DOWN")
  }
}

struct TrialHandler: EventHandler {
  func handle(_ event: Trial, context: HandlerContext) async throws {
    context.logger.info("trial begins", metadata: ["name": "\(event.name)"])
    if event.crash == true { fatalError("the trial asks for it") }
    if let seconds = event.blockSeconds { Self.block(seconds) }
    if let seconds = event.runBlockingSeconds { try await context.runBlocking { Self.block(seconds) } }
    if let seconds = event.waitSeconds { try await Task.sleep(for: .seconds(seconds)) }
    if let path = event.failWhile, FileManager.default.fileExists(atPath: path) {
      throw EventError(ErrorKind(rawValue: event.failKind ?? "unavailable"), "the trial's dependency is gone")
    }
    try record(event.name)
  }

  private static func block(_ seconds: Double) {
    Thread.sleep(forTimeInterval: seconds)
  }

  private func record(_ name: String) throws {
    guard let path = ProcessInfo.processInfo.environment["TRIAL_RECORD"] else { return }
    let file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw EventError(.unavailable, "TRIAL_RECORD cannot be opened") }
    defer { close(file) }
    // One write, so that lines of several handlers do not mix.
    let line = Array("\(name)\n".utf8)
    guard write(file, line, line.count) == line.count else {
      throw EventError(.unavailable, "TRIAL_RECORD is not written")
    }
  }
}
