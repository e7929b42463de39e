/// The settings of the trace export.
package struct TraceExport: Sendable, CustomStringConvertible {
  package enum Encoding: String, Sendable, CaseIterable {
    case protobuf = "http/protobuf"
    case json = "http/json"

    var contentType: String {
      self == .json ? "application/json" : "application/x-protobuf"
    }
  }

  /// The complete URL.
  package var endpoint: String
  /// The headers. They may be secret and are not logged.
  package var headers: [(name: String, value: String)] = []
  package var encoding = Encoding.protobuf
  package var isCompressed = false
  /// The timeout of one request.
  package var timeout = Duration.seconds(10)
  /// The file of certificate authorities for this endpoint.
  package var certificates: String?
  /// How long spans wait for a batch to fill.
  package var scheduleDelay = Duration.seconds(5)
  /// The time limit for a batch with its retries, and for a shutdown.
  package var exportTimeout = Duration.seconds(30)
  package var queueSize = 2048
  package var batchSize = 512

  /// Contains no values: the endpoint and the headers may be secret, and descriptions of services are logged.
  package var description: String { "TraceExport" }
}
