import CCurl
import Foundation

/// One request under way.
///
/// Unchecked: `handle` and the response belong to the loop's thread from the moment that the transfer is posted to it; what
/// other threads touch is behind the lock.
final class CurlTransfer: @unchecked Sendable {
  private struct Shared {
    var continuation: CheckedContinuation<HTTPResponse, any Error>?
    var isCancelled = false
  }

  let request: HTTPRequest
  private let maximumResponseSize: Int
  private let shared = Locked(Shared())

  /// On the loop's thread.
  var handle: CurlHandle?
  private var headers = HeaderLines()
  private var body: [UInt8] = []
  /// Headers and body.
  private var receivedBytes = 0

  init(request: HTTPRequest, maximumResponseSize: Int) {
    self.request = request
    self.maximumResponseSize = maximumResponseSize
  }

  func begin(_ continuation: CheckedContinuation<HTTPResponse, any Error>) {
    shared.withLock { $0.continuation = continuation }
  }

  /// Marks the transfer, for a start that comes after its cancellation.
  func cancel() {
    shared.withLock { $0.isCancelled = true }
  }

  var isCancelled: Bool { shared.withLock { $0.isCancelled } }

  /// Resumes the waiting task; only the first call does anything.
  func finish(_ result: Result<HTTPResponse, any Error>) {
    let waiting = shared.withLock { $0.continuation.take() }
    waiting?.resume(with: result)
  }

  // MARK: On the loop's thread

  func complete(_ result: CURLcode) {
    guard result == CURLE_OK, let handle else {
      return finish(.failure(error(result)))
    }
    let status = ccurl_get_long(handle.easy, CURLINFO_RESPONSE_CODE)
    finish(.success(HTTPResponse(status: status, headers: headers, body: body)))
  }

  func receiveHeader(_ line: UnsafeRawBufferPointer) -> Bool {
    guard accept(line.count) else { return false }
    headers.append(line)
    return true
  }

  func receiveBody(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard accept(bytes.count) else { return false }
    body.append(contentsOf: bytes)
    return true
  }

  private func accept(_ count: Int) -> Bool {
    receivedBytes += count
    return receivedBytes <= maximumResponseSize
  }

  /// Whether time ran out before there was a connection to send the request on.
  private var hasSentNothing: Bool {
    guard let handle else { return true }
    return ccurl_get_long(handle.easy, CURLINFO_REQUEST_SIZE) == 0
  }

  private func error(_ result: CURLcode) -> HTTPError {
    let reason = String(cString: curl_easy_strerror(result))
    // A URL can hold credentials and tokens; its host cannot.
    let url = URL(string: request.url)
    let host = (url?.host ?? "the server") + (url?.port.map { ":\($0)" } ?? "")
    switch result {
    case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY:
      return HTTPError(code: .nameNotResolved, message: "\(host) has no address; check the URL and the DNS (\(reason))")
    case CURLE_COULDNT_CONNECT:
      return HTTPError(
        code: .notConnected,
        message: "nothing answers at \(host); check the URL's port and that the server runs (\(reason))")
    case CURLE_OPERATION_TIMEDOUT where hasSentNothing:
      return HTTPError(
        code: .notConnected, message: "\(host) cannot be reached in time; check the URL and the network (\(reason))")
    case CURLE_OPERATION_TIMEDOUT:
      return HTTPError(code: .timeout, message: "\(host) did not answer within \(request.timeout.inSeconds)s")
    case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM:
      return HTTPError(
        code: .tls,
        message: "\(host) could not be verified; name its certificate authority in AWS_CA_BUNDLE (\(reason))")
    case CURLE_WRITE_ERROR where receivedBytes > maximumResponseSize:
      return HTTPError(code: .tooLarge, message: "the answer of \(host) is larger than \(maximumResponseSize) bytes")
    case CURLE_GOT_NOTHING, CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_PARTIAL_FILE, CURLE_HTTP2, CURLE_HTTP2_STREAM:
      return HTTPError(code: .interrupted, message: "the connection to \(host) ended before the answer did (\(reason))")
    default:
      return HTTPError(code: .other, message: "the request to \(host) failed: \(reason)")
    }
  }
}
