import CCurl
import Foundation
import WorkerKit

/// A request without a response, as libcurl reports it, and its meaning.
struct CurlFailure {
  let request: HTTPClientRequest
  let result: CURLcode
  /// libcurl's error message.
  let detail: String
  let proxy: HTTPProxy?
  /// The proxy's HTTP status for `CONNECT`; 0 if there was none.
  let proxyStatus: Int
  /// OpenSSL's verification result for the server's certificate; 0 if the certificate is valid.
  let verification: Int
  /// Whether the timeout ended before a connection for the request existed.
  let hasSentNothing: Bool
  /// Why the host's address is not allowed; nil if it is allowed.
  let refusedAddress: String?
  /// The environment variables that may name certificate authorities.
  let certificateVariables: [String]

  /// OpenSSL's codes for a certificate of an unknown authority: `X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT` and related
  /// ones.
  private static let unknownAuthority: Set = [2, 18, 19, 20, 21]

  /// A URL can contain credentials and tokens; its host cannot.
  private var host: String {
    let url = URL(string: request.url)
    return (url?.host ?? "the server") + (url?.port.map { ":\($0)" } ?? "")
  }

  private var certificateSetting: String {
    // A proxy is verified by the client's file.
    if let own = request.certificates, proxy == nil || detail.contains(own) { return own }
    return certificateVariables.joined(separator: " or ")
  }

  private var way: String { proxy.map { " through \($0.description)" } ?? "" }

  var error: HTTPClientError {
    if let proxy, let problem = problem(of: proxy) {
      return HTTPClientError(code: .proxy, message: "\(proxy.description) \(problem) (\(detail))")
    }
    if let refusedAddress, hasSentNothing {
      return HTTPClientError(code: .addressRefused, message: "\(host) leads to \(refusedAddress)")
    }
    switch result {
    case CURLE_URL_MALFORMAT:
      return HTTPClientError(code: .invalidRequest, message: "the request's URL is none; correct it (\(detail))")
    case CURLE_COULDNT_RESOLVE_HOST:
      return HTTPClientError(
        code: .nameNotResolved, message: "\(host) has no address; check the URL and the DNS (\(detail))")
    case CURLE_COULDNT_CONNECT:
      return HTTPClientError(
        code: .notConnected,
        message: "nothing answers at \(host); check the URL's port and that the server runs (\(detail))")
    case CURLE_OPERATION_TIMEDOUT where hasSentNothing:
      return HTTPClientError(
        code: .notConnected, message: "\(host) cannot be reached in time; check the URL and the network (\(detail))")
    case CURLE_OPERATION_TIMEDOUT:
      return HTTPClientError(
        code: .timeout,
        message: "\(host) did not answer \(request.timeout.map { "within \($0.inSeconds)s" } ?? "in time")\(way)")
    case CURLE_SSL_CACERT_BADFILE:
      return HTTPClientError(
        code: .tls,
        message:
          "the file of certificate authorities cannot be used; correct \(certificateSetting) (\(detail))")
    case CURLE_PEER_FAILED_VERIFICATION where Self.unknownAuthority.contains(verification):
      return HTTPClientError(
        code: .tls,
        message:
          "\(host) could not be verified\(way); name its certificate authority in \(certificateVariables[0]) (\(detail))"
      )
    case CURLE_PEER_FAILED_VERIFICATION:
      return HTTPClientError(
        code: .tls,
        message:
          "\(host) could not be verified\(way); check the URL, the server's certificate and the clock (\(detail))")
    case CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CERTPROBLEM:
      return HTTPClientError(
        code: .tls, message: "no TLS connection to \(host)\(way); check that the port speaks TLS (\(detail))")
    case CURLE_GOT_NOTHING, CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_PARTIAL_FILE, CURLE_HTTP2, CURLE_HTTP2_STREAM:
      return HTTPClientError(
        code: .interrupted, message: "the connection to \(host)\(way) ended before the answer did (\(detail))")
    default:
      return HTTPClientError(code: .other, message: "the request to \(host)\(way) failed: \(detail)")
    }
  }

  func tooLarge(_ limit: Int) -> HTTPClientError {
    HTTPClientError(code: .tooLarge, message: "the answer of \(host) is larger than \(limit) bytes")
  }

  /// Why a proxy does not forward the request; nil if the proxy is not the cause, or if the cause is unknown.
  private func problem(of proxy: HTTPProxy) -> String? {
    let otherwise = "correct \(proxy.variable), or list \(host) in NO_PROXY"
    if proxyStatus == 407 { return Self.refusal(of: proxy) }
    if proxyStatus >= 300 {
      return "answers \(proxyStatus) when asked to connect to \(host); ask who runs it, or \(otherwise)"
    }
    switch result {
    // With a proxy, only the proxy's own name is resolved and connected to.
    case CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_RESOLVE_HOST: return "has no address; \(otherwise)"
    case CURLE_COULDNT_CONNECT: return "does not answer; \(otherwise)"
    case CURLE_OPERATION_TIMEDOUT where hasSentNothing: return "cannot be reached in time; \(otherwise)"
    case CURLE_PROXY: return "does not connect to \(host); \(otherwise)"
    default: return nil
    }
  }

  /// The message for a proxy that requires authentication.
  private static func refusal(of proxy: HTTPProxy) -> String {
    proxy.hasUser
      ? "does not accept the user and the password in it; correct them there"
      : "wants a user and a password; name it as http://user:password@host:port"
  }

  /// The error of a plain HTTP request that a proxy answered itself.
  static func refusal(by proxy: HTTPProxy) -> HTTPClientError {
    HTTPClientError(code: .proxy, message: "\(proxy.description) \(refusal(of: proxy)) (HTTP status 407)")
  }
}
