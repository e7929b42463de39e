import CCurl
import Foundation
import WorkerKit

/// A libcurl easy handle that carries one request after another.
///
/// The options persist. For each request, only the options that differ from the previous request of its kind are set:
/// setting all of them takes longer than the request's other work.
///
/// The handle and the methods of ``CurlTransfer`` that it calls belong to the loop's thread.
final class CurlHandle {
  /// The properties that consecutive requests of a handle share.
  private struct Kind: Equatable {
    var url: String
    var method: String
    var hasBody: Bool
    var connectTimeout: Duration
    var mayUseProxy: Bool
    var certificates: String?

    init(_ request: HTTPClientRequest) {
      url = request.url
      method = request.method
      hasBody = request.hasBody
      connectTimeout = request.connectTimeout
      mayUseProxy = request.mayUseProxy
      certificates = request.certificates
    }
  }

  let easy: UnsafeMutableRawPointer
  private let configuration: CurlConfiguration
  private let sockets: OpaquePointer
  private let share: UnsafeMutableRawPointer
  /// The buffer for libcurl's error message.
  private let problem = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
  private var kind: Kind?
  /// The proxy of its requests.
  private(set) var proxy: HTTPProxy?
  private var headers: UnsafeMutablePointer<curl_slist>?
  /// Why the address that its request's host resolved to is not allowed.
  private var refusedAddress: String?
  /// The transfer that the handle carries now.
  private(set) var transfer: CurlTransfer?

  /// Creates a handle.
  ///
  /// - Parameters:
  ///   - sockets: The event source that watches its sockets.
  ///   - share: The state that it shares with the loop's other handles.
  /// - Returns: nil if memory is exhausted.
  init?(_ configuration: CurlConfiguration, sockets: OpaquePointer, share: UnsafeMutableRawPointer) {
    guard let easy = curl_easy_init() else { return nil }
    self.easy = easy
    self.configuration = configuration
    self.sockets = sockets
    self.share = share
  }

  deinit {
    curl_easy_cleanup(easy)
    free(headers)
    problem.deallocate()
  }

  /// Whether the handle's options already fit the request.
  func isReady(for request: HTTPClientRequest) -> Bool {
    kind == Kind(request)
  }

  /// Carries a transfer until ``detach()``.
  func attach(_ transfer: CurlTransfer) {
    let request = transfer.request
    if !isReady(for: request) { configure(for: request) }
    self.transfer = transfer
    problem.pointee = 0
    refusedAddress = nil
    ccurl_set_long(easy, CURLOPT_TIMEOUT_MS, request.timeout.map { max(1, Int($0.inSeconds * 1000)) } ?? 0)
    if request.hasBody {
      ccurl_set_long(easy, CURLOPT_POSTFIELDSIZE, request.body.count)
      // curl copies the body before the pointer becomes invalid.
      request.body.withUnsafeBytes {
        _ = ccurl_set_pointer(easy, CURLOPT_COPYPOSTFIELDS, $0.baseAddress ?? UnsafeRawPointer(easy))
      }
    }
    setHeaders(of: request)
  }

  func detach() {
    if transfer?.request.hasBody == true {
      // Releases the body, which can be a megabyte.
      ccurl_set_pointer(easy, CURLOPT_COPYPOSTFIELDS, nil)
    }
    transfer = nil
  }

  /// The failure of the current request.
  func failure(_ result: CURLcode) -> CurlFailure {
    guard let request = transfer?.request else { preconditionFailure("no request has failed") }
    var detail = String(cString: problem.pointee == 0 ? curl_easy_strerror(result) : UnsafePointer(problem))
    // If curl cannot parse a proxy's address, its message includes the password.
    if let proxy { detail = detail.replacing(proxy.url, with: proxy.address) }
    return CurlFailure(
      request: request, result: result, detail: detail.split(whereSeparator: \.isNewline).joined(separator: " "),
      proxy: proxy, proxyStatus: ccurl_get_long(easy, CURLINFO_HTTP_CONNECTCODE),
      verification: ccurl_get_long(easy, CURLINFO_SSL_VERIFYRESULT),
      hasSentNothing: ccurl_get_long(easy, CURLINFO_REQUEST_SIZE) == 0, refusedAddress: refusedAddress,
      certificateVariables: configuration.certificateVariables)
  }

  static func from(_ context: UnsafeMutableRawPointer?) -> CurlHandle {
    guard let context else { preconditionFailure("curl called back without its context") }
    return Unmanaged<CurlHandle>.fromOpaque(context).takeUnretainedValue()
  }

  private static func transfer(_ context: UnsafeMutableRawPointer?) -> CurlTransfer {
    guard let transfer = from(context).transfer else { preconditionFailure("curl called back for no request") }
    return transfer
  }

  private func configure(for request: HTTPClientRequest) {
    curl_easy_reset(easy)
    kind = Kind(request)
    // The loop retains the handle for longer than curl uses it.
    let context = Unmanaged.passUnretained(self).toOpaque()
    ccurl_set_pointer(easy, CURLOPT_PRIVATE, context)
    // A reset keeps the share, and forgets how many sessions are in it.
    ccurl_set_pointer(easy, CURLOPT_SHARE, share)
    ccurl_set_string(easy, CURLOPT_URL, request.url)
    ccurl_allow_only_http(easy)
    ccurl_exit_quickly(easy)
    ccurl_set_long(easy, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
    ccurl_set_long(easy, CURLOPT_NOSIGNAL, 1)
    ccurl_set_long(easy, CURLOPT_TCP_KEEPALIVE, 1)
    ccurl_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, max(1, Int(request.connectTimeout.inSeconds * 1000)))
    ccurl_events_keep_sockets(sockets, easy)
    ccurl_set_pointer(easy, CURLOPT_ERRORBUFFER, problem)
    proxy = request.mayUseProxy ? HTTPProxy(for: request.url, environment: configuration.environment) : nil
    // An empty string disables the proxy, regardless of the environment.
    ccurl_set_string(easy, CURLOPT_PROXY, proxy?.url ?? "")
    ccurl_set_string(easy, CURLOPT_NOPROXY, "")
    // A proxy's own responses are not the server's.
    ccurl_set_long(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
    if configuration.addresses != .any, proxy == nil {
      ccurl_set_open_socket(easy, context) { context, _, address in
        CurlHandle.from(context).openSocket(address)
      }
    }
    ccurl_trust_files(easy, request.certificates ?? configuration.certificates, configuration.certificates)
    configureMethod(of: request)
    ccurl_set_pointer(easy, CURLOPT_HEADERDATA, context)
    ccurl_set_data_callback(easy, CURLOPT_HEADERFUNCTION) { data, size, count, context in
      CurlHandle.transfer(context).receiveHeader(UnsafeRawBufferPointer(start: data, count: size * count))
        ? size * count : 0
    }
    ccurl_set_pointer(easy, CURLOPT_WRITEDATA, context)
    ccurl_set_data_callback(easy, CURLOPT_WRITEFUNCTION) { data, size, count, context in
      // Any other number makes curl abort the transfer.
      CurlHandle.transfer(context).receiveBody(UnsafeRawBufferPointer(start: data, count: size * count))
        ? size * count : 0
    }
  }

  /// Opens the socket of a connection if its address is allowed.
  ///
  /// - Returns: -1 if the address is not allowed, or on failure. libcurl then tries the next address.
  private func openSocket(_ address: UnsafeMutablePointer<curl_sockaddr>?) -> curl_socket_t {
    var bytes = [UInt8](repeating: 0, count: 16)
    let count = ccurl_get_address(address, &bytes)
    let found = IPAddress(bytes: Array(bytes.prefix(count)))
    let refusal = count == 0 ? "an address of another network" : configuration.addresses.problem(of: found)
    if let refusal {
      refusedAddress = refusal
      return -1
    }
    return ccurl_open_socket(address)
  }

  /// Sets the request method. libcurl distinguishes requests with a body, without a response body, and with neither;
  /// the method's name is a separate option.
  private func configureMethod(of request: HTTPClientRequest) {
    if request.hasBody {
      ccurl_set_long(easy, CURLOPT_POST, 1)
    } else if request.method == "HEAD" {
      ccurl_set_long(easy, CURLOPT_NOBODY, 1)
    }
    ccurl_set_string(easy, CURLOPT_CUSTOMREQUEST, request.method)
  }

  private func setHeaders(of request: HTTPClientRequest) {
    var lines: [UInt8] = []
    var lengths: [Int] = []
    lines.reserveCapacity(512)
    lengths.reserveCapacity(request.headers.count + 3)
    func append(_ name: String, _ separator: String, _ value: String) {
      let start = lines.count
      lines.append(contentsOf: name.utf8)
      lines.append(contentsOf: separator.utf8)
      lines.append(contentsOf: value.utf8)
      lines.append(0)
      lengths.append(lines.count - start)
    }
    for header in request.headers {
      // With a colon and no value, curl would omit the header.
      let isEmpty = header.value.utf8.allSatisfy { $0 == 0x20 || $0 == 0x09 }
      append(header.name, isEmpty ? ";" : ": ", isEmpty ? "" : header.value)
    }
    // Removes headers that curl adds: they cost a round trip, state unknown facts, or are sent unsigned.
    for name in ["Expect", "Accept", "Content-Type"]
    where !request.headers.contains(where: { $0.name.isHeaderName(name) }) {
      append(name, ":", "")
    }
    let list = ccurl_list_create(lines, lengths, lengths.count)
    ccurl_set_list(easy, CURLOPT_HTTPHEADER, list)
    free(headers)
    headers = list
  }
}
