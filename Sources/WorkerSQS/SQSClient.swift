import Foundation
import Logging
import WorkerHTTP
import WorkerKit
import WorkerLocks

/// Calls SQS's operations over AWS JSON 1.0: it signs, sends and retries requests as AWS's SDKs do, and describes
/// errors.
final class SQSClient: Sendable {
  /// The maximum number of attempts of a call.
  static let attempts = 3
  /// The backoff of AWS's SDKs: full jitter below a ceiling that doubles up to 20 s.
  private static let backoff = Backoff(base: .milliseconds(50), factor: 2, max: .seconds(20), jitter: .full)
  private static let throttledBackoff = Backoff(base: .seconds(1), factor: 2, max: .seconds(20), jitter: .full)
  /// The clock difference in seconds above which AWS rejects requests.
  private static let toleratedSkew: TimeInterval = 240

  /// The endpoint: `https://sqs.us-east-1.amazonaws.com`.
  let endpoint: URL
  let credentials: CredentialsChain
  private let execute: @Sendable (HTTPClientRequest) async throws -> HTTPClientResponse
  let clock: WorkerClock
  let random: @Sendable () -> Double
  /// Returns the local time of day.
  let now: @Sendable () -> Date
  private let host: String
  private let path: String
  private let url: String
  private let signature: SignatureV4
  /// The difference between the service's time of day and the local one, in seconds.
  private let clockOffset = Mutex<TimeInterval>(0)

  init(
    endpoint: URL,
    region: String,
    credentials: CredentialsChain,
    execute: @escaping @Sendable (HTTPClientRequest) async throws -> HTTPClientResponse,
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
    path = endpoint.path(percentEncoded: true)
    url = endpoint.absoluteString
  }

  /// Calls an operation.
  ///
  /// - Parameters:
  ///   - operation: The operation's name: `ReceiveMessage`.
  ///   - input: The operation's input.
  ///   - patience: How much longer than usual the service may take to respond.
  /// - Returns: The response, with status 200.
  /// - Throws: A ``QueueError`` after the last attempt; `CancellationError`.
  func call(_ operation: String, _ input: some Wire.Request, patience: Duration = .zero) async throws
    -> HTTPClientResponse
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

  /// A response with another status than 200, and whether it corrected the clock offset.
  private struct Refusal: Error {
    var error: QueueError
    var isSkewCorrected: Bool
  }

  private func send(_ operation: String, _ body: [UInt8], timeout: Duration) async throws -> HTTPClientResponse {
    let credentials = try await credentials.credentials()
    let headers = [
      (name: "Content-Type", value: "application/x-amz-json-1.0"), ("X-Amz-Target", "AmazonSQS.\(operation)"),
    ]
    let date = now().addingTimeInterval(clockOffset.withLock { $0 })
    let signed = signature.headers(
      method: "POST", path: path, headers: headers + [("Host", host)], body: body, credentials: credentials, date: date)
    let response: HTTPClientResponse
    do {
      response = try await execute(
        HTTPClientRequest(
          method: "POST", url: url, headers: headers + signed, body: body, timeout: timeout))
    } catch let error as HTTPClientError {
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

  /// Sets the clock offset from the response's `Date` header.
  ///
  /// - Returns: Whether the service's clock differs by more than the service tolerates.
  private func correctClock(after error: QueueError, _ response: HTTPClientResponse, sentAt date: Date) -> Bool {
    guard SQSError.clockSkew.contains(error.code.rawValue), let theirs = response.date else { return false }
    guard abs(theirs.timeIntervalSince(date)) > Self.toleratedSkew else { return false }
    let offset = theirs.timeIntervalSince(now())
    clockOffset.withLock { $0 = offset }
    return true
  }
}

extension HTTPClientResponse {
  /// AWS's request id, for its support.
  var requestID: String? { self[header: "x-amzn-requestid"] }
}
