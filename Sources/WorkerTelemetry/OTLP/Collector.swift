import Foundation
package import Tracing
package import WorkerHTTP
import WorkerKit

/// The OTLP/HTTP endpoint that receives traces: its requests, and the meaning of its responses.
package struct Collector: Sendable {
  enum Answer {
    /// Accepted.
    ///
    /// - Parameter rejected: The spans that the collector rejected; nil if it accepted all.
    case accepted(rejected: PartialSuccess?)
    /// Rejected permanently.
    case refused(String)
    /// Temporarily unavailable.
    ///
    /// - Parameters:
    ///   - retryAfter: How long the collector asked clients to wait.
    ///   - hasAnswered: Whether there was a response.
    case unavailable(String, retryAfter: Duration?, hasAnswered: Bool)
  }

  /// The statuses that the specification declares retryable.
  private static let retryable: Set<Int> = [429, 502, 503, 504]

  private let configuration: TraceExport
  private let resource: SpanAttributes
  private let execute: @Sendable (HTTPClientRequest) async throws -> HTTPClientResponse

  package init(
    _ configuration: TraceExport, resource: SpanAttributes,
    execute: @escaping @Sendable (HTTPClientRequest) async throws -> HTTPClientResponse
  ) {
    self.configuration = configuration
    self.resource = resource
    self.execute = execute
  }

  func request(for spans: [FinishedSpan]) -> HTTPClientRequest {
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
    return HTTPClientRequest(
      method: "POST", url: configuration.endpoint, headers: headers, body: body,
      certificates: configuration.certificates)
  }

  func send(_ request: HTTPClientRequest, timeout: Duration) async -> Answer {
    var request = request
    request.timeout = timeout
    let response: HTTPClientResponse
    do {
      response = try await execute(request)
    } catch let error as HTTPClientError where error.code == .invalidRequest {
      return .refused("\(error)")
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

/// The `Retry-After` header: seconds or a date.
enum RetryAfter {
  static func duration(_ text: String, now: Date) -> Duration? {
    if let seconds = Int(text) { return .seconds(max(0, seconds)) }
    guard let date = HTTPClientResponse.date(text) else { return nil }
    return .seconds(max(0, date.timeIntervalSince(now)))
  }
}
