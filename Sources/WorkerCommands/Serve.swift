import Foundation
import Logging
import ServiceLifecycle
import UnixSignals
import WorkerKit

/// How long after a signal the same one again is taken for its echo.
private let signalEcho = Duration.milliseconds(500)

/// Runs services until they end or a signal comes; a second signal exits at once.
///
/// - Returns: whether a signal ended them.
func serve(_ services: [ServiceGroupConfiguration.ServiceConfiguration], logger: Logger) async throws -> Bool {
  let signalled = Watched(false)
  // At debug it describes its services, and with them all that they hold.
  var quiet = logger
  quiet.logLevel = max(logger.logLevel, .notice)
  let group = ServiceGroup(configuration: .init(services: services, logger: quiet))
  try await withThrowingTaskGroup(of: Void.self) { tasks in
    tasks.addTask { try await group.run() }
    tasks.addTask {
      var signals = await UnixSignalsSequence(trapping: .sigterm, .sigint).makeAsyncIterator()
      guard let first = await signals.next() else { return }
      signalled.update { $0 = true }
      logger.notice("stopping; a second signal exits at once", metadata: ["signal": "\(first)"])
      let start = ContinuousClock.now
      await group.triggerGracefulShutdown()
      while let second = await signals.next() {
        // `timeout` and the like signal a process and then its group: that is one signal, which comes twice.
        guard second != first || start.duration(to: .now) > signalEcho else { continue }
        logger.warning("exiting at once", metadata: ["signal": "\(second)"])
        Foundation.exit(second == .sigint ? 130 : 143)
      }
    }
    try await tasks.next()
    tasks.cancelAll()
  }
  return signalled.value
}

extension ServiceGroupConfiguration.ServiceConfiguration {
  /// One that stands beside the work: where it fails, what is in hand is still finished.
  static func beside(_ service: any Service) -> Self {
    .init(service: service, failureTerminationBehavior: .gracefullyShutdownGroup)
  }

  /// One whose end, good or bad, stops the services before it in their order.
  static func endsAll(_ service: any Service) -> Self {
    .init(
      service: service, successTerminationBehavior: .gracefullyShutdownGroup,
      failureTerminationBehavior: .gracefullyShutdownGroup)
  }
}
