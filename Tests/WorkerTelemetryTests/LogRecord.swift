import Logging
import WorkerKit
import WorkerLocks

/// What was logged.
final class LogRecord: Sendable {
  private struct Handler: LogHandler {
    let record: LogRecord
    var logLevel = Logger.Level.trace
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      record.storage.withLock { $0.append(event) }
    }
  }

  private let storage = Mutex<[LogEvent]>([])

  var entries: [LogEvent] { storage.withLock { $0 } }
  var handler: any LogHandler { Handler(record: self) }
}
