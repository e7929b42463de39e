import Foundation
import HTTPTypes
import Hummingbird
import Mustache
import NIOCore
import WorkerKit

/// Makes pages of templates, which are in the binary. Whatever is put into one is escaped, but for what is drawn here.
struct Renderer: Sendable {
  /// What stands around each page.
  struct Frame: Sendable {
    struct Link: Sendable {
      var href: String
      var title: String
      var isCurrent: Bool
    }

    var links: [Link]
    var user: String
    var role: String
    var mayAct: Bool
    var canLogOut: Bool
    var token: String
    /// Seconds until the page loads itself anew where there is no JavaScript; nil where it does not.
    var refresh: Int?
    /// Where updates of the page come from.
    var live: String?
    var version = WorkerVersion.current
    var assets = Renderer.assetsVersion
  }

  struct Asset: Sendable {
    var contentType: String
    var bytes: [UInt8]
  }

  static let assets = [
    "console.css": Asset(contentType: "text/css; charset=utf-8", bytes: PackageResources.console_css),
    "console.js": Asset(contentType: "text/javascript; charset=utf-8", bytes: PackageResources.console_js),
  ]

  /// Changes with the files, so that a browser can keep them.
  static let assetsVersion: String = {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for name in assets.keys.sorted() {
      for byte in assets[name]?.bytes ?? [] { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }
    return String(hash, radix: 36)
  }()

  /// Read with the first page: reading them takes as long as a thousand events, and a worker may never be looked at.
  private static let library: MustacheLibrary = {
    var library = MustacheLibrary()
    for (name, bytes) in templates {
      do {
        try library.register(String(decoding: bytes, as: UTF8.self), named: name)
      } catch {
        preconditionFailure("the template \(name) is wrong: \(error)")
      }
    }
    return library
  }()

  /// A part of a page.
  func fragment(_ template: String, _ context: [String: Any]) -> String {
    guard let text = Self.library.render(context, withTemplate: template) else {
      preconditionFailure("there is no template \(template)")
    }
    return text
  }

  func page(
    _ template: String, _ context: [String: Any], frame: Frame, status: HTTPResponse.Status = .ok
  ) -> Response {
    response(fragment(template, context.merging(["frame": frame]) { $1 }), status)
  }

  func login(problem: String?, next: String?, status: HTTPResponse.Status = .ok) -> Response {
    struct Login {
      var problem: String?
      var next: String
      var assets = Renderer.assetsVersion
    }
    return response(fragment("login", ["login": Login(problem: problem, next: next ?? "/")]), status)
  }

  func problem(_ problem: ConsoleError, isLogInOffered: Bool) -> Response {
    response(
      fragment(
        "problem",
        [
          "title": problem.title, "detail": problem.detail, "assets": Self.assetsVersion, "login": isLogInOffered,
        ]), problem.status)
  }

  private func response(_ html: String, _ status: HTTPResponse.Status) -> Response {
    Response(
      status: status,
      headers: Console.security.with([.contentType: "text/html; charset=utf-8", .cacheControl: "no-store"]),
      body: ResponseBody(byteBuffer: ByteBuffer(string: html)))
  }
}
