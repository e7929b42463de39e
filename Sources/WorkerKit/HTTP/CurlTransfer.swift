import CCurl
import Foundation

/// One request under way.
///
/// Unchecked: `easy`, the buffers and the lists belong to the loop's thread from the moment that the transfer is
/// posted to it; what other threads touch is behind locks.
final class CurlTransfer: @unchecked Sendable {
  private let request: HTTPRequest
  private let maximumResponseSize: Int
  private let continuation = Locked<CheckedContinuation<HTTPResponse, any Error>?>(nil)
  private let cancelled = Locked(false)

  private(set) var easy: OpaquePointer?
  private var headerList: UnsafeMutablePointer<curl_slist>?
  private var response = HTTPResponse(status: 0)
  /// Headers and body.
  private var receivedBytes = 0

  init(request: HTTPRequest, maximumResponseSize: Int) {
    self.request = request
    self.maximumResponseSize = maximumResponseSize
  }

  func begin(_ continuation: CheckedContinuation<HTTPResponse, any Error>) {
    self.continuation.withLock { $0 = continuation }
  }

  /// Marks the transfer, for a start that comes after its cancellation.
  func cancel() {
    cancelled.withLock { $0 = true }
  }

  var isCancelled: Bool { cancelled.withLock { $0 } }

  /// Resumes the waiting task; only the first call does anything.
  func finish(_ result: Result<HTTPResponse, any Error>) {
    let waiting = continuation.withLock { continuation in
      defer { continuation = nil }
      return continuation
    }
    waiting?.resume(with: result)
  }

  // MARK: On the loop's thread

  /// Readies an easy handle. The handle holds the transfer until ``detach()``.
  func attach(to easy: OpaquePointer, certificates: String?) {
    self.easy = easy
    let handle = UnsafeMutableRawPointer(easy)
    let context = Unmanaged.passRetained(self).toOpaque()
    ccurl_set_pointer(handle, CURLOPT_PRIVATE, context)
    ccurl_set_string(handle, CURLOPT_URL, request.url)
    ccurl_allow_only_http(handle)
    ccurl_exit_quickly(handle)
    ccurl_set_long(handle, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
    ccurl_set_long(handle, CURLOPT_NOSIGNAL, 1)
    ccurl_set_long(handle, CURLOPT_TCP_KEEPALIVE, 1)
    ccurl_set_long(handle, CURLOPT_TIMEOUT_MS, max(1, Int(request.timeout.inSeconds * 1000)))
    ccurl_set_long(handle, CURLOPT_CONNECTTIMEOUT_MS, max(1, Int(request.connectTimeout.inSeconds * 1000)))
    if !request.mayUseProxy {
      ccurl_set_string(handle, CURLOPT_NOPROXY, "*")
    }
    if let certificates = request.certificates ?? certificates {
      ccurl_set_string(handle, CURLOPT_CAINFO, certificates)
    }
    if Self.isLoopback(request.url) {
      // A proxy of the environment's would look for the server on its own machine.
      ccurl_set_string(handle, CURLOPT_PROXY, "")
    }
    if request.method == "POST" {
      ccurl_set_long(handle, CURLOPT_POST, 1)
      ccurl_set_long(handle, CURLOPT_POSTFIELDSIZE, request.body.count)
      // Copied by curl before the pointer ends.
      request.body.withUnsafeBytes {
        _ = ccurl_set_pointer(handle, CURLOPT_COPYPOSTFIELDS, $0.baseAddress ?? UnsafeRawPointer(context))
      }
    } else if request.method != "GET" {
      ccurl_set_string(handle, CURLOPT_CUSTOMREQUEST, request.method)
    }
    for header in request.headers {
      headerList = curl_slist_append(headerList, "\(header.name): \(header.value)")
    }
    // Curl's own additions: they would cost a round trip, or be sent unsigned for nothing.
    for name in ["Expect", "Accept"] where !request.headers.contains(where: { $0.name == name }) {
      headerList = curl_slist_append(headerList, "\(name):")
    }
    ccurl_set_list(handle, CURLOPT_HTTPHEADER, headerList)
    ccurl_set_pointer(handle, CURLOPT_HEADERDATA, context)
    ccurl_set_data_callback(handle, CURLOPT_HEADERFUNCTION) { data, size, count, context in
      CurlTransfer.from(context).receiveHeader(UnsafeRawBufferPointer(start: data, count: size * count))
        ? size * count : 0
    }
    ccurl_set_pointer(handle, CURLOPT_WRITEDATA, context)
    ccurl_set_data_callback(handle, CURLOPT_WRITEFUNCTION) { data, size, count, context in
      // Anything but the count makes curl give up.
      CurlTransfer.from(context).receiveBody(UnsafeRawBufferPointer(start: data, count: size * count))
        ? size * count : 0
    }
  }

  private static func isLoopback(_ url: String) -> Bool {
    ["http://localhost", "http://127.0.0.1", "http://[::1]"].contains { host in
      url.hasPrefix("\(host):") || url.hasPrefix("\(host)/")
    }
  }

  /// Undoes ``attach(to:certificates:)``.
  ///
  /// - Returns: the easy handle, to be used again.
  func detach() -> OpaquePointer? {
    defer { easy = nil }
    guard let easy else { return nil }
    curl_easy_reset(UnsafeMutableRawPointer(easy))
    curl_slist_free_all(headerList)
    headerList = nil
    Unmanaged.passUnretained(self).release()
    return easy
  }

  func complete(_ result: CURLcode) {
    guard result == CURLE_OK, let easy else {
      return finish(.failure(error(result)))
    }
    response.status = ccurl_get_long(UnsafeMutableRawPointer(easy), CURLINFO_RESPONSE_CODE)
    finish(.success(response))
  }

  static func from(_ context: UnsafeMutableRawPointer?) -> CurlTransfer {
    guard let context else { preconditionFailure("curl called back without its context") }
    return Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
  }

  private func receiveHeader(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard accept(bytes.count) else { return false }
    let line = String(decoding: bytes, as: UTF8.self)
    if line.hasPrefix("HTTP/") {
      // A new answer: what came before was a 100 Continue or the like.
      response.headers.removeAll()
    } else if let colon = line.firstIndex(of: ":") {
      response.headers.append(
        (
          line[..<colon].lowercased(),
          line[line.index(after: colon)...].trimmingCharacters(in: .whitespacesAndNewlines)
        ))
    }
    return true
  }

  private func receiveBody(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard accept(bytes.count) else { return false }
    response.body.append(contentsOf: bytes)
    return true
  }

  private func accept(_ count: Int) -> Bool {
    receivedBytes += count
    return receivedBytes <= maximumResponseSize
  }

  /// Whether time ran out before there was a connection to send the request on.
  private var hasSentNothing: Bool {
    guard let easy else { return true }
    return ccurl_get_long(UnsafeMutableRawPointer(easy), CURLINFO_REQUEST_SIZE) == 0
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
