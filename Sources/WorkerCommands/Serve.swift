import Foundation
import Logging
import ServiceLifecycle
import UnixSignals
import WorkerKit

/// How long after a signal another one counts as its repetition.
private let signalEcho = Duration.milliseconds(500)

/// Runs services until they end or a signal arrives. A second signal exits at once.
///
/// - Returns: Whether a signal ended them.
func serve(_ services: [ServiceGroupConfiguration.ServiceConfiguration], logger: Logger) async throws -> Bool {
  let signalled = AsyncValue(false)
  // At log level debug, the group logs its services with all their contents.
  var quiet = logger
  quiet.logLevel = max(logger.logLevel, .notice)
  let group = ServiceGroup(configuration: .init(services: services, logger: quiet))
  // Signals, health and metrics are handled even if handlers block Swift's pool.
  try await withTaskExecutorPreference(WorkerThread.shared) {
    // Before anything that may take long.
    let trapped = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      tasks.addTask {
        var signals = trapped.makeAsyncIterator()
        guard let first = await signals.next() else { return }
        signalled.update { $0 = true }
        logger.notice("stopping; a second signal exits at once", metadata: ["signal": "\(first)"])
        let start = ContinuousClock.now
        await group.triggerGracefulShutdown()
        while let second = await signals.next() {
          // `timeout` and similar programs signal a process and then its group, and systemd sends SIGHUP after SIGTERM.
          // This is one request to stop.
          guard start.duration(to: .now) > signalEcho else { continue }
          logger.warning("exiting at once", metadata: ["signal": "\(second)"])
          // The exit code of a process that a signal has ended, as shells report it.
          Foundation.exit(128 + second.rawValue)
        }
      }
      try await tasks.next()
      tasks.cancelAll()
    }
  }
  return signalled.value
}

extension ServiceGroupConfiguration.ServiceConfiguration {
  /// An auxiliary service. If it fails, the messages in flight are still finished.
  static func beside(_ service: any Service) -> Self {
    .init(service: service, failureTerminationBehavior: .gracefullyShutdownGroup)
  }

  /// A service whose end, with or without an error, stops the services before it in their order.
  static func endsAll(_ service: any Service) -> Self {
    .init(
      service: service, successTerminationBehavior: .gracefullyShutdownGroup,
      failureTerminationBehavior: .gracefullyShutdownGroup)
  }
}

/// Makes signals end this process before, or unless, something else handles them: the kernel ignores unhandled signals
/// for the first process of a container. Other processes keep the system's default, which reports the signal to a
/// shell.
func endOnSignalsAsFirstProcess() {
  guard getpid() == 1 else { return }
  for number in [SIGTERM, SIGINT, SIGHUP] {
    // The exit code of a process that a signal has ended, as shells report it.
    signal(number) { _exit(128 + $0) }
  }
}
