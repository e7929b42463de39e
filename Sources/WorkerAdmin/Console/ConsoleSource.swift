package import Foundation
package import WorkerKit

/// What the console shows: snapshots of the worker, and the functions that the command line calls. It holds no part of the loop.
package struct ConsoleSource: Sendable {
  /// The consumers' states at the moment.
  package var consumers: @Sendable () -> [ConsumerStatus]
  /// The queues that are consumed; none until the worker has started.
  package var queues: @Sendable () -> [any MessageQueue]
  /// The plugins that have pages; none until the worker has started.
  package var plugins: @Sendable () -> [any PluginConsole]
  /// Runs the doctor's checks; takes seconds.
  package var diagnose: @Sendable () async -> [ConsoleFinding]
  package var routes: RoutesFile
  package var routesPath: String
  package var routesReadAt: Date
  /// What people type to run the binary.
  package var command: String

  package init(
    consumers: @escaping @Sendable () -> [ConsumerStatus], queues: @escaping @Sendable () -> [any MessageQueue],
    plugins: @escaping @Sendable () -> [any PluginConsole], diagnose: @escaping @Sendable () async -> [ConsoleFinding],
    routes: RoutesFile, routesPath: String, routesReadAt: Date = Date(), command: String
  ) {
    self.consumers = consumers
    self.queues = queues
    self.plugins = plugins
    self.diagnose = diagnose
    self.routes = routes
    self.routesPath = routesPath
    self.routesReadAt = routesReadAt
    self.command = command
  }
}

/// What the doctor found, and in which check.
package struct ConsoleFinding: Sendable {
  package var check: String
  /// Of what was examined.
  package var name: String?
  package var finding: Finding

  package init(check: String, name: String?, finding: Finding) {
    self.check = check
    self.name = name
    self.finding = finding
  }
}
