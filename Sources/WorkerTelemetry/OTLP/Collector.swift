import Foundation
package import Tracing
package import WorkerKit

/// The OTLP/HTTP endpoint that traces go to: what is asked of it, and what its answers mean.
package struct Collector: Sendable {
  enum Answer {
    /// - Parameter rejected: What it did not take, though it took the rest.
    case accepted(rejected: PartialSuccess?)
    /// It will never take this.
    case refused(String)
    /// It may take this later.
    ///
    /// - Parameters:
    ///   - retryAfter: When it asks to be asked again.
    ///   - hasAnswered: Whether somebody is there.
    case unavailable(String, retryAfter: Duration?, hasAnswered: Bool)
  }

  /// What the specification names as worth another try.
  private static let retryable: Set<Int> = [429, 502, 503, 504]

  private let configuration: TraceExport
  private let resource: SpanAttributes
  private let execute: @Sendable (HTTPRequest) async throws -> HTTPResponse

  package init(
    _ configuration: TraceExport, resource: SpanAttributes,
    execute: @escaping @Sendable (HTTPRequest) async throws -> HTTPResponse
  ) {
    self.configuration = configuration
    self.resource = resource
    self.execute = execute
  }

  func request(for spans: [FinishedSpan]) -> HTTPRequest {
    let message = TraceRequest(resource: resource, spans: spans)
    var headers = configuration.headers
    headers.append(("Content-Type", configuration.encoding.contentType))
    headers.append(("User-Agent", "\(Resource.sdkName)/\(Resource.sdkVersion)"))
    var body =
      switch configuration.encoding {
      case .protobuf: message.encoded(by: ProtobufWriter.self)
      case .json: message.encoded(by: OTLPJSONWriter.self)
      }
    if configuration.isCompressed, let compressed = Gzip.compress(body) {
      body = compressed
      headers.append(("Content-Encoding", "gzip"))
    }
    return HTTPRequest(
      method: "POST", url: configuration.endpoint, headers: headers, body: body,
      certificates: configuration.certificates)
  }

  func send(_ request: HTTPRequest, timeout: Duration) async -> Answer {
    var request = request
    request.timeout = timeout
    let response: HTTPResponse
    do {
      response = try await execute(request)
    } catch {
      return .unavailable("\(error)", retryAfter: nil, hasAnswered: false)
    }
    switch response.status {
    case 200..<300:
      return .accepted(rejected: PartialSuccess(response.body, configuration.encoding))
    case let status where Self.retryable.contains(status):
      let wait = response[header: "Retry-After"].flatMap { RetryAfter.duration($0, now: Date()) }
      return .unavailable("the collector answers \(status)", retryAfter: wait, hasAnswered: true)
    case let status:
      return .refused("the collector refuses them with \(status)\(Self.advice(status))")
    }
  }

  private static func advice(_ status: Int) -> String {
    switch status {
    case 401, 403: "; check OTEL_EXPORTER_OTLP_HEADERS"
    case 404, 405: "; check OTEL_EXPORTER_OTLP_ENDPOINT, to which /v1/traces is added"
    case 413: "; set OTEL_BSP_MAX_EXPORT_BATCH_SIZE lower"
    case 415: "; check OTEL_EXPORTER_OTLP_PROTOCOL"
    default: ""
    }
  }
}

/// `Retry-After`: seconds, or a date.
enum RetryAfter {
  static func duration(_ text: String, now: Date) -> Duration? {
    if let seconds = Int(text) { return .seconds(max(0, seconds)) }
    guard let date = HTTPResponse.date(text) else { return nil }
    return .seconds(max(0, date.timeIntervalSince(now)))
  }
}
