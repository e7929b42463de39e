import HTTPServing
import HTTPTypes
import Hummingbird

/// Rejects requests that web pages or e-mails can trigger. The server requires no password, so a page that a user views
/// must not be able to change a queue. A page can make a browser submit a form or fetch an image; an SDK signs its
/// requests.
///
/// | request | rejected |
/// |---|---|
/// | sent by a page of another origin (`Origin`, `Sec-Fetch-Site`) | always |
/// | GET or HEAD, without a signature in its header, not accepting JSON | if it would change something |
/// | POST, with neither a signature nor `X-Amz-Target`, that looks like a browser's form | always |
///
/// A page cannot add `Authorization` or `X-Amz-Target` to a cross-origin request: the browser first requests
/// permission, which this server does not grant.
struct BrowserRequest {
  private let request: Request

  init(_ request: Request) {
    self.request = request
  }

  /// Checks the request before its operation is known.
  ///
  /// - Throws: If the request is rejected regardless of its operation.
  func check() throws(ServiceError) {
    guard request.headers[.origin] == nil, ["none", nil].contains(request.headers[.fetchSite]) else {
      throw Self.refusal("answers no web pages")
    }
    guard request.method == .post, !isSigned, request.headers[.target] == nil, looksLikeForm else { return }
    throw Self.refusal("takes no forms of a browser; sign the request, as SDKs do")
  }

  /// Checks the operation. A browser opens a link of an e-mail as if the user had entered the URL, and mail programs
  /// fetch images.
  func check(operation: String) throws(ServiceError) {
    guard request.method != .post, !isSigned, !asksForJSON, !Operations.reading.contains(operation) else { return }
    throw Self.refusal(
      "lets a link change nothing; \(operation) is sent by POST, or signed in the Authorization header")
  }

  /// Whether the request is signed. The signature is not verified, but a page cannot make a browser send a signature
  /// header. A signature in the URL can be part of a link.
  private var isSigned: Bool { request.headers[.authorization]?.hasPrefix("AWS4-") == true }

  /// Whether the request accepts JSON. Links and images do not.
  private var asksForJSON: Bool { request.headers[.accept]?.lowercased().hasPrefix("application/json") == true }

  /// Whether the headers are those of browsers, including old ones, or of mail programs, and not of SDKs.
  private var looksLikeForm: Bool {
    let headers = request.headers
    let type = headers[.contentType]?.lowercased() ?? ""
    let accepted = headers[.accept]?.lowercased() ?? ""
    return ["text/plain", "multipart/"].contains { type.hasPrefix($0) }
      || ["text/html", "image/", "text/css", "video/", "audio/", "font/"].contains { accepted.contains($0) }
      || headers[.fetchSite] != nil || headers[.referer] != nil || headers[.cookie] != nil
      || headers[.upgradeInsecureRequests] != nil
      // Node's `fetch` accepts any language.
      || headers[.acceptLanguage].map { $0 != "*" } == true
      || headers[.userAgent]?.contains("Mozilla/") == true
  }

  private static func refusal(_ reason: String) -> ServiceError {
    ServiceError("AccessDenied", status: 403, "The local queue \(reason).")
  }
}
