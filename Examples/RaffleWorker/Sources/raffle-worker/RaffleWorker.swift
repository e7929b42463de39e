import RafflePlugin
import WorkerCommands
import WorkerKit

@main struct RaffleWorker: WorkerApplication {
  static let plugins: [any WorkerPlugin.Type] = [RafflePlugin.self]
}
