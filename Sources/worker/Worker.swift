import PrizePlugins
import ProcessPlugin
import WebhookPlugin
import WorkerCommands
import WorkerKit

/// The generic worker, with the plugins that this binary carries.
@main struct Worker: WorkerApplication {
  static let plugins: [any WorkerPlugin.Type] = [PrizePlugin.self, ProcessPlugin.self, WebhookPlugin.self]
}
