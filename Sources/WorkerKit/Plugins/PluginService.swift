/// A plugin with a long-running task, such as a child process or a persistent connection.
public protocol PluginService: WorkerPlugin {
  /// Runs while events are handled: it starts before the first event is received, and is cancelled after all consumers
  /// have ended.
  ///
  /// - Throws: An error that makes it pointless to continue. The consumers stop and finish the events in flight.
  ///   Returning before cancellation has the same effect.
  func run() async throws
}
