import HTTPTypes
import Hummingbird
import NIOCore
import Testing
import WorkerKit

@testable import WorkerAdmin

@Suite("Where requests of the console come from")
struct OriginTests {
  static func request(
    _ headers: [(HTTPField.Name, String)], authority: String = "worker.example:9464", method: HTTPRequest.Method = .post
  ) -> Request {
    var fields = HTTPFields()
    for (name, value) in headers { fields.append(HTTPField(name: name, value: value)) }
    return Request(
      head: HTTPRequest(method: method, scheme: "http", authority: authority, path: "/login", headerFields: fields),
      body: RequestBody(buffer: ByteBuffer()))
  }

  @Test(
    "over plain HTTP, the origin of a form is the console's own or foreign",
    arguments: [
      ("http://worker.example:9464", false), ("https://worker.example:9464", false), ("null", true),
      ("http://worker.example", true), ("http://evil.example", true), ("http://worker.example:9464.evil.example", true),
    ])
  func origins(origin: String, isForeign: Bool) {
    #expect(RequestOrigin(Self.request([(.origin, origin)]), isProxied: false).isForeign == isForeign)
  }

  @Test("a proxy that rewrites the host reports the one that the browser asked, and nobody else is believed")
  func forwardedHost() {
    let request = Self.request([(.origin, "http://console.example"), (.forwardedHost, "console.example")])
    #expect(!RequestOrigin(request, isProxied: true).isForeign)
    #expect(RequestOrigin(request, isProxied: false).isForeign)
    let list = Self.request([(.origin, "http://evil.example"), (.forwardedHost, "evil.example, console.example")])
    #expect(RequestOrigin(list, isProxied: true).isForeign)
  }

  @Test("a link from another site is known by its referrer where the browser reports nothing else")
  func links() {
    let isLinked = { (referrer: String) in
      RequestOrigin(Self.request([(.referer, referrer)], method: .get), isProxied: false).isLinked
    }
    #expect(isLinked("http://evil.example/page"))
    #expect(!isLinked("http://worker.example:9464/flow"))
    #expect(!RequestOrigin(Self.request([], method: .get), isProxied: false).isLinked)
  }

  @Test("the form leads to pages of the console alone", arguments: ["/", "/flow?route=X", "/dead-letters/q/1"])
  func localPaths(path: String) {
    #expect(LocalPath(path)?.text == path)
  }

  @Test(
    "an address that a browser takes for another site is none",
    arguments: [
      "", "flow", "//evil.example", "/\\evil.example", "/\t/evil.example", "/\n/evil.example", "/\r/evil.example",
      "http://evil.example", "/flow\\x", "/\u{0}", "/é", "/a b", "/x//evil.example",
    ])
  func foreignPaths(path: String) {
    #expect(LocalPath(path) == nil)
  }

  @Test(
    "a cookie's name has the port",
    arguments: [
      ("localhost:9464", "worker_console_9464"), ("[::1]:9465", "worker_console_9465"), ("[::1]", "worker_console"),
      ("worker.example", "worker_console"),
    ])
  func cookieNames(authority: String, name: String) {
    #expect(SessionCookie(Self.request([], authority: authority), isProxied: false).name == name)
  }

  @Test("a cookie that came over HTTPS goes over HTTPS alone")
  func secureCookies() {
    let https = Self.request([(.forwardedProtocol, "https")])
    #expect(SessionCookie(https, isProxied: true).begin("x").hasSuffix("; Secure"))
    #expect(!SessionCookie(https, isProxied: false).begin("x").contains("Secure"))
    let origin = Self.request([(.origin, "https://worker.example:9464")])
    #expect(SessionCookie(origin, isProxied: false).begin("x").hasSuffix("; Secure"))
  }

  @Test("an address has one form")
  func addresses() {
    #expect(PeerAddress("::ffff:10.0.0.5") == PeerAddress("10.0.0.5"))
    #expect(PeerAddress("2001:db8:0:0::1") == PeerAddress("2001:DB8::1"))
    #expect(PeerAddress("fe80::1%eth0") == PeerAddress("fe80::1"))
    #expect(PeerAddress("10.0.0.5") != PeerAddress("10.0.0.6"))
    #expect(PeerAddress("worker.example") == nil && PeerAddress("unknown") == nil)
  }

  @Test("what the proxy does not name logs in, and a header that comes twice names nobody")
  func proxyAndUsers() async throws {
    var configuration = AdminConfiguration()
    configuration.users = [
      "ana": ConsoleUser(role: .operator, passwordHash: try #require(PasswordHash(of: "correct horse")).text)
    ]
    var proxy = TrustedProxy()
    (proxy.header, proxy.addresses, proxy.operators) = ("X-Forwarded-User", ["10.0.0.5"], ["eve"])
    configuration.proxy = proxy
    let gate = try Gate(configuration)
    let field = try #require(HTTPField.Name("X-Forwarded-User"))
    let named = try await gate.visitor(Self.request([(field, "eve")]), from: "::ffff:10.0.0.5", isUse: true)
    #expect(named.name == "eve" && named.mayAct)
    await #expect(throws: Gate.Refusal.self) {
      try await gate.visitor(Self.request([(field, "bob"), (field, "eve")]), from: "10.0.0.5", isUse: true)
    }
    await #expect(throws: Gate.Refusal.self) {
      try await gate.visitor(Self.request([(field, "eve")]), from: "10.0.0.6", isUse: true)
    }
    let session = try await gate.logIn("ana", password: "correct horse", from: "10.0.0.5")
    let cookie = Self.request([(.cookie, "worker_console_9464=\(session)")])
    #expect(try await gate.visitor(cookie, from: "10.0.0.5", isUse: true).name == "ana")
  }

  @Test("the proxy names the client, and nobody else is believed")
  func clients() throws {
    var configuration = AdminConfiguration()
    var proxy = TrustedProxy()
    (proxy.header, proxy.addresses) = ("X-Forwarded-User", ["10.0.0.5"])
    configuration.proxy = proxy
    let gate = try Gate(configuration)
    func client(_ header: String?, from address: String = "10.0.0.5") -> String {
      gate.client(of: Self.request(header.map { [(.forwardedFor, $0)] } ?? []), from: address)
    }
    #expect(client("192.0.2.1") == "192.0.2.1")
    #expect(client("2001:db8::1") == "2001:db8::1")
    // What stands before the last is what the client says.
    #expect(client("198.51.100.1, 192.0.2.1") == "192.0.2.1")
    #expect(client("192.0.2.1", from: "10.0.0.6") == "10.0.0.6")
    for header in [nil, "", "unknown", "192.0.2.1, unknown", "a\u{1B}b"] { #expect(client(header) == "10.0.0.5") }
  }

  @Test("only addresses and names that mean this machine are loopback")
  func loopback() {
    let isLoopback = { AdminConfiguration(host: $0).isLoopback }
    #expect(isLoopback("127.0.0.1") && isLoopback("127.1.2.3") && isLoopback("::1") && isLoopback("localhost"))
    #expect(!isLoopback("127.example.com") && !isLoopback("127.0.0.1.example.com") && !isLoopback("0.0.0.0"))
  }
}
