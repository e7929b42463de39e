import ProcessPlugin
import WebhookPlugin
import WorkerCommands
import WorkerKit

/// A worker as any user makes one; its plugin does as little as a handler can.
@main struct BenchmarkWorker: WorkerApplication {
  static let plugins: [any WorkerPlugin.Type] = [
    BenchPlugin.self, ProcessPlugin.self, WebhookPlugin.self,
  ]
}
