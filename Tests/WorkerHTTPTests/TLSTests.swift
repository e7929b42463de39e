import Foundation
import HTTPTestSupport
import TestSupport
import Testing

@testable import WorkerHTTP

@Suite("TLS", .timeLimit(.minutes(20)))
struct TLSTests {
  @Test("a certificate that nobody vouches for is refused, and accepted when AWS_CA_BUNDLE or the request names it")
  func certificates() async throws {
    let certificate = try await SelfSignedCertificate()
    let server = try ScriptedServer(certificate: certificate)
    let request = HTTPClientRequest(method: "POST", url: server.url, body: [65])
    await #expect {
      _ = try await CurlClient(environment: [:]).execute(request)
    } throws: { ($0 as? HTTPClientError)?.code == .tls && "\($0)".contains("AWS_CA_BUNDLE") }
    let response = try await CurlClient(environment: ["AWS_CA_BUNDLE": certificate.path]).execute(request)
    #expect(response.status == 200)
    var own = request
    own.certificates = certificate.path
    #expect(try await CurlClient(environment: [:]).execute(own).status == 200)
  }

  @Test("what keeps a TLS connection from being made is named as it is: the certificate's name, the port, the bundle")
  func tlsReasons() async throws {
    let certificate = try await SelfSignedCertificate()
    let server = try ScriptedServer(certificate: certificate)
    let plain = try ScriptedServer()
    func message(_ url: String, _ bundle: String) async throws -> String {
      do {
        _ = try await CurlClient(environment: ["AWS_CA_BUNDLE": bundle]).execute(HTTPClientRequest(url: url))
      } catch let error as HTTPClientError where error.code == .tls {
        return error.message
      }
      throw CocoaError(.featureUnsupported)
    }
    // The certificate is localhost's.
    let name = try await message("https://127.0.0.1:\(server.port)/", certificate.path)
    #expect(
      name.contains("could not be verified; check the URL, the server's certificate and the clock (SSL:"), "\(name)")
    let port = try await message(plain.url.replacing("http:", with: "https:"), certificate.path)
    #expect(port.contains("check that the port speaks TLS (") && port.contains("wrong version number"), "\(port)")
    let bundle = try await message(server.url, "/nonexistent.pem")
    #expect(bundle.contains("correct AWS_CA_BUNDLE") && bundle.contains("/nonexistent.pem"), "\(bundle)")
  }

  @Test("a new connection resumes the session of an earlier one, although that one is busy")
  func resumption() async throws {
    let certificate = try await SelfSignedCertificate()
    let server = try ScriptedServer(certificate: certificate)
    let client = CurlClient(environment: ["AWS_CA_BUNDLE": certificate.path])
    let request = HTTPClientRequest(method: "POST", url: server.url)
    #expect(try await client.execute(request).status == 200)
    let first = try await server.nextRequest()
    #expect((first.connection, first.isSessionResumed) == (1, false))
    try await server.answer(.init(act: "wait"))
    async let busy = client.execute(request)
    #expect(try await server.nextRequest().connection == 1)
    async let other = client.execute(request)
    let second = try await server.nextRequest()
    #expect((second.connection, second.isSessionResumed) == (2, true))
    try await server.answer(.init(status: 204))
    #expect(try await (busy.status, other.status) == (204, 200))
  }

  @Test("the sessions of eight hosts are kept, whatever the order of the requests")
  func hosts() async throws {
    let certificate = try await SelfSignedCertificate()
    let servers = try (0..<8).map { _ in try ScriptedServer(certificate: certificate) }
    let client = CurlClient(environment: ["AWS_CA_BUNDLE": certificate.path])
    for isSessionResumed in [false, true] {
      for server in servers {
        // The next request needs another connection.
        try await server.answer(.init(headers: ["Connection": "close"]))
        #expect(try await client.execute(HTTPClientRequest(method: "POST", url: server.url)).status == 200)
        #expect(try await server.nextRequest().isSessionResumed == isSessionResumed)
      }
    }
  }

  @Test("no session is resumed that other authorities vouched for")
  func otherAuthorities() async throws {
    let (certificate, other) = (try await SelfSignedCertificate(), try await SelfSignedCertificate())
    let server = try ScriptedServer(certificate: certificate)
    let client = CurlClient(environment: ["AWS_CA_BUNDLE": certificate.path])
    var request = HTTPClientRequest(method: "POST", url: server.url, headers: [("Connection", "close")])
    #expect(try await client.execute(request).status == 200)
    request.certificates = other.path
    await #expect { _ = try await client.execute(request) } throws: { ($0 as? HTTPClientError)?.code == .tls }
  }

  /// A system's has some 140 authorities, which take tens of milliseconds to read.
  @Test(
    "the file of authorities is not read for each connection",
    .enabled(if: keepsAuthorities, "this libcurl is older than 7.87, and reads it for each connection"))
  func authoritiesAreKept() async throws {
    let (certificate, other) = (try await SelfSignedCertificate(), try await SelfSignedCertificate())
    let bundle = FileManager.default.temporaryDirectory.appendingPathComponent("authorities-\(UUID().uuidString).pem")
    defer { try? FileManager.default.removeItem(at: bundle) }
    func client() -> CurlClient { CurlClient(environment: ["AWS_CA_BUNDLE": bundle.path]) }
    // A server each, because a session that is resumed needs no authority.
    let servers = try (0..<3).map { _ in try ScriptedServer(certificate: certificate) }
    let requests = servers.map { HTTPClientRequest(method: "POST", url: $0.url) }
    try FileManager.default.copyItem(atPath: certificate.path, toPath: bundle.path)
    let first = client()
    #expect(try await first.execute(requests[0]).status == 200)
    try Data(contentsOf: URL(fileURLWithPath: other.path)).write(to: bundle)
    #expect(try await first.execute(requests[1]).status == 200)
    await #expect {
      _ = try await client().execute(requests[2])
    } throws: { ($0 as? HTTPClientError)?.code == .tls }
  }

  private static var keepsAuthorities: Bool {
    guard let version = CurlClient.libraryVersion.split(separator: "/").dropFirst().first?.prefix(while: { $0 != " " })
    else { return false }
    return "\(version)".compare("7.87", options: .numeric) != .orderedAscending
  }

  @Test("a proxy that speaks TLS is verified by the client's authorities")
  func proxy() async throws {
    let certificate = try await SelfSignedCertificate()
    let proxy = try ScriptedServer(certificate: certificate)
    let request = HTTPClientRequest(method: "POST", url: "http://queue.invalid/", body: Array("through".utf8))
    let environment = ["http_proxy": proxy.url]
    await #expect {
      _ = try await CurlClient(environment: environment).execute(request)
    } throws: { ($0 as? HTTPClientError)?.code == .tls }
    let trusting = CurlClient(environment: environment.merging(["AWS_CA_BUNDLE": certificate.path]) { $1 })
    #expect(try await trusting.execute(request).body == request.body)
    // The request's own are for the server alone.
    var own = request
    own.certificates = certificate.path
    await #expect {
      _ = try await CurlClient(environment: environment.merging(["AWS_CA_BUNDLE": "/nonexistent.pem"]) { $1 })
        .execute(own)
    } throws: { "\($0)".contains("correct AWS_CA_BUNDLE or SSL_CERT_FILE") }
  }
}
