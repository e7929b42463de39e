import Foundation
import HTTPTypes
import Hummingbird

/// Where a request comes from, as the browser reports it. A page elsewhere can make a browser send requests, and cannot change
/// these headers.
///
/// A browser sends `Sec-Fetch-Site` to HTTPS and to loopback alone. Over plain HTTP, `Origin` is all that says where a form is
/// from. It is `null` under the referrer policy `no-referrer`, so the console sets `same-origin`.
struct RequestOrigin {
  private let request: Request
  /// The hosts that the browser may have asked, each with its port.
  private let authorities: [String]

  /// - Parameter isProxied: Whether the request comes from a trusted proxy, which reports the host that the browser asked.
  init(_ request: Request, isProxied: Bool) {
    self.request = request
    // A list has been through several proxies; the last entry is the trusted one's.
    let forwarded = isProxied ? request.headers[.forwardedHost]?.split(separator: ",").last : nil
    authorities = [request.head.authority, forwarded?.trimmingCharacters(in: .whitespaces)].compactMap(\.self)
  }

  /// Whether a page elsewhere made the request, other than by a link that was followed.
  var isForeign: Bool {
    switch request.headers[.fetchSite] {
    case "same-origin", "none": false
    case .some: !isNavigation || isChange
    // Programs send neither header.
    case nil: request.headers[.origin].map { !isOwn($0) } ?? false
    }
  }

  /// Whether a link elsewhere led here: then nothing is done that leaves a trace.
  var isLinked: Bool {
    request.headers[.fetchSite].map { $0 != "same-origin" && $0 != "none" }
      ?? request.headers[.referer].map { !isOwn($0.split(separator: "/").prefix(2).joined(separator: "//")) } ?? false
  }

  private func isOwn(_ origin: String) -> Bool {
    authorities.contains { origin == "http://\($0)" || origin == "https://\($0)" }
  }

  private var isChange: Bool { ![.get, .head].contains(request.method) }
  private var isNavigation: Bool {
    request.headers[.fetchMode] == "navigate" && [nil, "document"].contains(request.headers[.fetchDestination])
  }
}

extension HTTPField.Name {
  static let fetchSite = named("Sec-Fetch-Site")
  static let fetchMode = named("Sec-Fetch-Mode")
  static let fetchDestination = named("Sec-Fetch-Dest")
  static let csrfToken = named("X-CSRF-Token")
  static let forwardedFor = named("X-Forwarded-For")
  static let forwardedHost = named("X-Forwarded-Host")
  static let forwardedProtocol = named("X-Forwarded-Proto")
  static let frameOptions = named("X-Frame-Options")
  static let referrerPolicy = named("Referrer-Policy")
  static let accelBuffering = named("X-Accel-Buffering")
  static let openerPolicy = named("Cross-Origin-Opener-Policy")
  static let resourcePolicy = named("Cross-Origin-Resource-Policy")

  private static func named(_ text: String) -> HTTPField.Name {
    guard let name = HTTPField.Name(text) else { preconditionFailure("\(text) is no header") }
    return name
  }
}
