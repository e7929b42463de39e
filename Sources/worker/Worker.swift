import PrizePlugins
import WorkerCommands
import WorkerKit

/// The generic worker, with the plugins that this binary carries.
@main struct Worker: WorkerApplication {
  static let plugins: [any Plugin.Type] = [PrizePlugin.self]
}
