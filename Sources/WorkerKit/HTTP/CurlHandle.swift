import CCurl
import Foundation

/// An easy handle of libcurl's that carries one request after the other.
///
/// Its options stay, and only those are set again that differ from one request to the next of its kind: to set them all for
/// each takes libcurl and Swift longer than the request itself.
///
/// It belongs to its loop's thread, and so does what it calls in ``CurlTransfer``.
final class CurlHandle {
  /// What requests have in common that use a handle one after the other.
  private struct Kind: Equatable {
    var url: String
    var method: String
    var connectTimeout: Duration
    var mayUseProxy: Bool
    var certificates: String?

    init(_ request: HTTPRequest) {
      url = request.url
      method = request.method
      connectTimeout = request.connectTimeout
      mayUseProxy = request.mayUseProxy
      certificates = request.certificates
    }
  }

  let easy: UnsafeMutableRawPointer
  private let certificates: String?
  private let sockets: OpaquePointer
  private var kind: Kind?
  private var headers: UnsafeMutablePointer<curl_slist>?
  /// Whose request this is at the moment.
  private(set) var transfer: CurlTransfer?

  /// - Parameters:
  ///   - certificates: A file of certificate authorities, for requests that name none.
  ///   - sockets: The event source that its sockets are watched by.
  /// - Returns: nil where there is no memory left.
  init?(certificates: String?, sockets: OpaquePointer) {
    guard let easy = curl_easy_init() else { return nil }
    self.easy = easy
    self.certificates = certificates
    self.sockets = sockets
  }

  deinit {
    curl_easy_cleanup(easy)
    free(headers)
  }

  /// Whether it has the options already that a request needs.
  func isReady(for request: HTTPRequest) -> Bool {
    kind == Kind(request)
  }

  /// Takes a transfer, until ``detach()``.
  func attach(_ transfer: CurlTransfer) {
    let request = transfer.request
    if !isReady(for: request) { configure(for: request) }
    self.transfer = transfer
    ccurl_set_long(easy, CURLOPT_TIMEOUT_MS, max(1, Int(request.timeout.inSeconds * 1000)))
    if request.method == "POST" {
      ccurl_set_long(easy, CURLOPT_POSTFIELDSIZE, request.body.count)
      // Copied by curl before the pointer ends.
      request.body.withUnsafeBytes {
        _ = ccurl_set_pointer(easy, CURLOPT_COPYPOSTFIELDS, $0.baseAddress ?? UnsafeRawPointer(easy))
      }
    }
    setHeaders(of: request)
  }

  func detach() {
    if transfer?.request.method == "POST" {
      // A body can be a megabyte.
      ccurl_set_pointer(easy, CURLOPT_COPYPOSTFIELDS, nil)
    }
    transfer = nil
  }

  static func from(_ context: UnsafeMutableRawPointer?) -> CurlHandle {
    guard let context else { preconditionFailure("curl called back without its context") }
    return Unmanaged<CurlHandle>.fromOpaque(context).takeUnretainedValue()
  }

  private static func transfer(_ context: UnsafeMutableRawPointer?) -> CurlTransfer {
    guard let transfer = from(context).transfer else { preconditionFailure("curl called back for no request") }
    return transfer
  }

  private func configure(for request: HTTPRequest) {
    curl_easy_reset(easy)
    kind = Kind(request)
    // The loop holds the handle for longer than curl does.
    let context = Unmanaged.passUnretained(self).toOpaque()
    ccurl_set_pointer(easy, CURLOPT_PRIVATE, context)
    ccurl_set_string(easy, CURLOPT_URL, request.url)
    ccurl_allow_only_http(easy)
    ccurl_exit_quickly(easy)
    ccurl_set_long(easy, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
    ccurl_set_long(easy, CURLOPT_NOSIGNAL, 1)
    ccurl_set_long(easy, CURLOPT_TCP_KEEPALIVE, 1)
    ccurl_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, max(1, Int(request.connectTimeout.inSeconds * 1000)))
    ccurl_events_keep_sockets(sockets, easy)
    if !request.mayUseProxy {
      ccurl_set_string(easy, CURLOPT_NOPROXY, "*")
    }
    if let certificates = request.certificates ?? certificates {
      ccurl_set_string(easy, CURLOPT_CAINFO, certificates)
    }
    if Self.isLoopback(request.url) {
      // A proxy of the environment's would look for the server on its own machine.
      ccurl_set_string(easy, CURLOPT_PROXY, "")
    }
    if request.method == "POST" {
      ccurl_set_long(easy, CURLOPT_POST, 1)
    } else if request.method != "GET" {
      ccurl_set_string(easy, CURLOPT_CUSTOMREQUEST, request.method)
    }
    ccurl_set_pointer(easy, CURLOPT_HEADERDATA, context)
    ccurl_set_data_callback(easy, CURLOPT_HEADERFUNCTION) { data, size, count, context in
      CurlHandle.transfer(context).receiveHeader(UnsafeRawBufferPointer(start: data, count: size * count))
        ? size * count : 0
    }
    ccurl_set_pointer(easy, CURLOPT_WRITEDATA, context)
    ccurl_set_data_callback(easy, CURLOPT_WRITEFUNCTION) { data, size, count, context in
      // Anything but the count makes curl give up.
      CurlHandle.transfer(context).receiveBody(UnsafeRawBufferPointer(start: data, count: size * count))
        ? size * count : 0
    }
  }

  private static func isLoopback(_ url: String) -> Bool {
    ["http://localhost", "http://127.0.0.1", "http://[::1]"].contains { host in
      url.hasPrefix("\(host):") || url.hasPrefix("\(host)/")
    }
  }

  private func setHeaders(of request: HTTPRequest) {
    var lines: [UInt8] = []
    var lengths: [Int] = []
    func append(_ name: String, _ separator: String, _ value: String) {
      let start = lines.count
      lines.append(contentsOf: name.utf8)
      lines.append(contentsOf: separator.utf8)
      lines.append(contentsOf: value.utf8)
      lines.append(0)
      lengths.append(lines.count - start)
    }
    for header in request.headers { append(header.name, ": ", header.value) }
    // Curl's own additions: they would cost a round trip, or be sent unsigned for nothing.
    for name in ["Expect", "Accept"] where !request.headers.contains(where: { $0.name == name }) {
      append(name, ":", "")
    }
    let list = ccurl_list_create(lines, lengths, lengths.count)
    ccurl_set_list(easy, CURLOPT_HTTPHEADER, list)
    free(headers)
    headers = list
  }
}
