import Foundation
import Logging
import ServiceLifecycle
import UnixSignals
import WorkerKit

/// Runs services until they end or a signal comes; a second signal exits at once.
///
/// - Returns: whether a signal ended them.
func serve(_ services: [ServiceGroupConfiguration.ServiceConfiguration], logger: Logger) async throws -> Bool {
  let signalled = Watched(false)
  let group = ServiceGroup(configuration: .init(services: services, logger: logger))
  try await withThrowingTaskGroup(of: Void.self) { tasks in
    tasks.addTask { try await group.run() }
    tasks.addTask {
      var signals = await UnixSignalsSequence(trapping: .sigterm, .sigint).makeAsyncIterator()
      guard let first = await signals.next() else { return }
      signalled.update { $0 = true }
      logger.notice("stopping; a second signal exits at once", metadata: ["signal": "\(first)"])
      await group.triggerGracefulShutdown()
      guard let second = await signals.next() else { return }
      logger.warning("exiting at once", metadata: ["signal": "\(second)"])
      Foundation.exit(second == .sigint ? 130 : 143)
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
