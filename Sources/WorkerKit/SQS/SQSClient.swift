import Foundation
import Logging

/// Calls SQS's operations over AWS JSON 1.0: signs, sends, retries as AWS's SDKs do, and says what went wrong.
final class SQSClient: Sendable {
  /// How often a call is tried in all.
  static let attempts = 3
  /// The SDKs' backoff: full jitter below a ceiling that doubles up to 20 s.
  private static let backoff = Backoff(base: .milliseconds(50), factor: 2, max: .seconds(20), jitter: .full)
  private static let throttledBackoff = Backoff(base: .seconds(1), factor: 2, max: .seconds(20), jitter: .full)
  /// A difference between the clocks that AWS would refuse.
  private static let toleratedSkew: TimeInterval = 240

  /// `https://sqs.us-east-1.amazonaws.com`
  let endpoint: URL
  let credentials: CredentialsChain
  private let execute: @Sendable (HTTPRequest) async throws -> HTTPResponse
  let clock: WorkerClock
  let random: @Sendable () -> Double
  /// The time of day here.
  let now: @Sendable () -> Date
  private let host: String
  private let url: String
  private let signature: SignatureV4
  /// What to add to the time of day here to have the service's.
  private let clockOffset = Locked<TimeInterval>(0)

  init(
    endpoint: URL,
    region: String,
    credentials: CredentialsChain,
    execute: @escaping @Sendable (HTTPRequest) async throws -> HTTPResponse,
    clock: WorkerClock = .continuous,
    random: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) },
    now: @escaping @Sendable () -> Date = { Date() }
  ) {
    self.endpoint = endpoint
    self.credentials = credentials
    self.execute = execute
    self.clock = clock
    self.random = random
    self.now = now
    signature = SignatureV4(region: region, service: "sqs")
    host = endpoint.hostHeader
    url = endpoint.absoluteString
  }

  /// Calls an operation.
  ///
  /// - Parameters:
  ///   - operation: `ReceiveMessage`.
  ///   - input: The operation's.
  ///   - patience: What the service may take to answer, beyond the usual.
  /// - Returns: the answer, whose status is 200.
  /// - Throws: a ``QueueError`` after the last try; `CancellationError`.
  func call(_ operation: String, _ input: some Wire.Request, patience: Duration = .zero) async throws
    -> HTTPResponse
  {
    var json = JSONWriter()
    input.write(to: &json)
    let body = json.bytes
    var attempt = 1
    var hasCorrectedClock = false
    while true {
      let error: QueueError
      do {
        return try await send(operation, body, timeout: .seconds(10) + patience)
      } catch let failure as Refusal {
        error = failure.error
        if failure.isSkewCorrected, !hasCorrectedClock {
          hasCorrectedClock = true
          continue
        }
      } catch let failure as QueueError {
        error = failure
      }
      guard attempt < Self.attempts, isWorthRetrying(error) else { throw error }
      let backoff = error.kind == .throttled ? Self.throttledBackoff : Self.backoff
      try await clock.sleep(for: backoff.delay(afterAttempt: attempt, random: random()))
      attempt += 1
    }
  }

  /// An answer that is not 200, and whether the clock was set right because of it.
  private struct Refusal: Error {
    var error: QueueError
    var isSkewCorrected: Bool
  }

  private func send(_ operation: String, _ body: [UInt8], timeout: Duration) async throws -> HTTPResponse {
    let credentials = try await credentials.credentials()
    let headers = [
      (name: "Content-Type", value: "application/x-amz-json-1.0"), ("X-Amz-Target", "AmazonSQS.\(operation)"),
    ]
    let date = now().addingTimeInterval(clockOffset.withLock { $0 })
    let signed = signature.headers(
      method: "POST", headers: headers + [("Host", host)], body: body, credentials: credentials, date: date)
    let response: HTTPResponse
    do {
      response = try await execute(
        HTTPRequest(
          method: "POST", url: url, headers: headers + signed, body: body, timeout: timeout))
    } catch let error as HTTPError {
      throw QueueError(code: .connection, kind: error.kind, message: error.message)
    }
    guard response.status != 200 else { return response }
    let error = SQSError.make(response, operation: operation)
    if SQSError.refusedCredentials.contains(error.code.rawValue) {
      await self.credentials.forget(credentials)
    }
    throw Refusal(error: error, isSkewCorrected: correctClock(after: error, response, sentAt: date))
  }

  private func isWorthRetrying(_ error: QueueError) -> Bool {
    if error.code == .noCredentials { return false }
    if SQSError.refusedCredentials.contains(error.code.rawValue) { return true }
    return [.network, .timeout, .throttled, .unavailable].contains(error.kind)
      && !SQSError.clockSkew.contains(error.code.rawValue)
  }

  /// - Returns: whether the service's clock differs by more than it tolerates; then the offset is set by its `Date`.
  private func correctClock(after error: QueueError, _ response: HTTPResponse, sentAt date: Date) -> Bool {
    guard SQSError.clockSkew.contains(error.code.rawValue), let theirs = response.date else { return false }
    guard abs(theirs.timeIntervalSince(date)) > Self.toleratedSkew else { return false }
    let offset = theirs.timeIntervalSince(now())
    clockOffset.withLock { $0 = offset }
    return true
  }
}

extension HTTPResponse {
  /// AWS's id of the request, for its support.
  var requestID: String? { self[header: "x-amzn-requestid"] }
}
