import Logging
public import WorkerKit

extension PrizePlugin: PluginService {
  /// Prunes the keys of events that were handled longer ago than `keepHandledEvents`, until it is cancelled.
  public func run() async throws {
    try await KeyPruning(store: store, age: keepHandledEvents, logger: Logger(label: "worker.prizes")).run()
  }
}
