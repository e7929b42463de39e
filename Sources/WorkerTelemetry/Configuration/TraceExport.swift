/// Where traces go, and how.
package struct TraceExport: Sendable, CustomStringConvertible {
  package enum Encoding: String, Sendable, CaseIterable {
    case protobuf = "http/protobuf"
    case json = "http/json"

    var contentType: String {
      self == .json ? "application/json" : "application/x-protobuf"
    }
  }

  /// The whole URL.
  package var endpoint: String
  /// May hold secrets, and is not logged.
  package var headers: [(name: String, value: String)] = []
  package var encoding = Encoding.protobuf
  package var isCompressed = false
  /// For one request.
  package var timeout = Duration.seconds(10)
  /// A file of certificate authorities for this endpoint alone.
  package var certificates: String?
  /// How long spans wait for a batch to fill.
  package var scheduleDelay = Duration.seconds(5)
  /// For one batch with its retries, and for a stop.
  package var exportTimeout = Duration.seconds(30)
  package var queueSize = 2048
  package var batchSize = 512

  /// Names no value: endpoint and headers may hold secrets, and what describes a service is logged.
  package var description: String { "TraceExport" }
}
