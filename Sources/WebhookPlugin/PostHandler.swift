import Foundation
import WorkerHTTP
import WorkerKit

/// Posts each event to one destination, and goes by the answer's status.
struct PostHandler: DependentHandler {
  private let destination: Destination
  private let headers: WebhookHeaders
  private let secrets: [WebhookSecret]
  private let format: WebhookPlugin.Format
  private let outcomes: Outcomes
  private let retryAfterMax: Duration
  private let certificates: String?
  /// What no dead letter shows, though an answer repeats it.
  private let hidden: [String]
  private let client: CurlClient
  private let now: @Sendable () -> Date

  /// - Throws: a ``WebhookOptionsError`` where the options contradict each other, or this machine.
  init(
    _ options: ConfigurationValues, client: CurlClient, now: @escaping @Sendable () -> Date = { Date() }
  ) throws {
    typealias Keys = WebhookPlugin.Keys
    destination = options[Keys.url]
    headers = options[Keys.headers]
    secrets = options[Keys.secrets]
    format = options[Keys.format]
    outcomes = options[Keys.outcomes]
    retryAfterMax = options[Keys.retryAfterMax]
    certificates = options[Keys.certificates].isEmpty ? nil : options[Keys.certificates]
    // Of `Bearer abc` the token alone is one, too.
    let values = headers.entries.map(\.value)
    let tokens = values.flatMap { $0.split(separator: " ").dropFirst().map(String.init) }
    hidden = destination.secrets + secrets.map(\.text) + values + tokens
    self.client = client
    self.now = now
    if !options[Keys.privateNetwork], let problem = AddressPolicy.publicNetwork.problem(ofHost: destination.host) {
      throw WebhookOptionsError(
        description:
          "http.post to \(destination.name): \(problem); to allow that, set `privateNetwork: true` under `with`")
    }
    if let certificates, !FileManager.default.isReadableFile(atPath: certificates) {
      throw WebhookOptionsError(
        description: "http.post to \(destination.name): \(certificates), which `ca` names, cannot be read")
    }
  }

  var dependency: HandlerDependency { HandlerDependency(destination.name) }

  func handle(_ event: RawEvent, context: HandlerContext) async throws {
    let trace = RequestTrace(to: destination, context: context)
    let request = self.request(for: event, context, trace.headers)
    let response: HTTPClientResponse
    do {
      response = try await client.execute(request)
    } catch {
      trace.end(with: error)
      throw described(error)
    }
    let failure = self.failure(response, request)
    trace.end(with: failure, status: response.status)
    if let failure { throw failure }
  }

  func request(
    for event: RawEvent, _ context: HandlerContext, _ trace: [(name: String, value: String)]
  ) -> HTTPClientRequest {
    let names = EventNames(eventType: context.eventType, idempotencyKey: context.idempotencyKey)
    var body = event.body
    var lines = [(name: "Content-Type", value: "application/json")]
    switch format {
    case .plain: break
    case .binary: lines += CloudEvent(event, id: names.id, context: context).headers
    case .structured:
      lines[0].value = CloudEvent.structuredType
      body = CloudEvent(event, id: names.id, context: context).json
    }
    let timestamp = String(Int(now().timeIntervalSince1970))
    lines.append((name: "webhook-id", value: names.id))
    lines.append((name: "webhook-timestamp", value: timestamp))
    lines.append((name: "Idempotency-Key", value: names.idempotencyKey))
    if let signature = WebhookSecret.signature(id: names.id, timestamp: timestamp, body: body, secrets: secrets) {
      lines.append((name: "webhook-signature", value: signature))
    }
    // Some servers refuse requests without one.
    if !headers.contains("user-agent") { lines.append((name: "User-Agent", value: "swift-queue-worker")) }
    // The route's timeout cancels it.
    return HTTPClientRequest(
      method: "POST", url: destination.url, headers: lines + trace + headers.entries, body: body, timeout: nil,
      certificates: certificates, keptBodySize: AnswerText.bodyLimit)
  }

  /// Why an answer is none that handles the event; nil where it is one.
  private func failure(_ response: HTTPClientResponse, _ request: HTTPClientRequest) -> EventError? {
    let status = response.status
    guard case .failed(let kind) = outcomes[status] else { return nil }
    let sent = request.headers.filter { $0.name == "webhook-signature" }.map(\.value)
    return EventError(
      kind, "\(destination.name) answered \(status)\(Self.advice(status))",
      received: AnswerText.text(of: response, hiding: hidden + sent),
      retryAfter: RetryAfter.delay(in: response, now: now(), limit: retryAfterMax), refusal: outcomes.refusal(status))
  }

  private static func advice(_ status: Int) -> String {
    switch status {
    case 300...399: "; redirects are not followed: correct the route's `url`"
    case 401, 403: "; correct the route's `headers` or `secrets`"
    case 404: "; correct the route's `url`, or map 404 under `outcomes`"
    case 410: "; it is gone: correct the route's `url`, or map 410 under `outcomes`"
    default: ""
    }
  }

  /// With what the route can do about it.
  private func described(_ error: any Error) -> any Error {
    guard let error = error as? HTTPClientError else { return error }
    let advice =
      switch error.code {
      case .tls: "; the route's `ca` can name a certificate authority of your own"
      case .addressRefused:
        "; `privateNetwork: true` allows those of this machine and of private networks, and no others"
      default: ""
      }
    return EventError(error.kind, "\(error.message)\(advice)")
  }
}
