import Logging

/// Says in every line which message it is about. What it says is made when a line is written: most messages write none.
struct MessageLogHandler: LogHandler {
  var base: any LogHandler
  let messageID: String
  let route: String
  let attempt: Int

  var logLevel: Logger.Level {
    get { base.logLevel }
    set { base.logLevel = newValue }
  }

  var metadataProvider: Logger.MetadataProvider? {
    get { base.metadataProvider }
    set { base.metadataProvider = newValue }
  }

  /// Those that were set come before the message's own.
  var metadata: Logger.Metadata {
    get { own.merging(base.metadata) { $1 } }
    set { base.metadata = newValue }
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { base[metadataKey: key] ?? own[key] }
    set { base[metadataKey: key] = newValue }
  }

  func log(event: LogEvent) {
    var event = event
    var metadata = event.metadata ?? [:]
    for (key, value) in own where metadata[key] == nil && base[metadataKey: key] == nil { metadata[key] = value }
    event.metadata = metadata
    base.log(event: event)
  }

  private var own: Logger.Metadata {
    ["messageId": "\(messageID)", "route": "\(route)", "attempt": "\(attempt)"]
  }
}
