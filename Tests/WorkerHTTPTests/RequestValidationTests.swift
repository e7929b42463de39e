import Foundation
import HTTPTestSupport
import Testing
import WorkerKit

@testable import WorkerHTTP

@Suite("What an HTTP request may hold", .timeLimit(.minutes(20)))
struct RequestValidationTests {
  private static let secret = "s3cret"

  /// What would end a line, or hide what follows from someone who reads on.
  static let breaks = ["\r", "\n", "\r\nX-Injected: yes", "\0", "\u{1B}", "\u{7F}"]

  @Test(
    "a line break or control character in any part of a request is refused before anything is sent", arguments: breaks)
  func refused(text: String) async throws {
    let server = try ScriptedServer()
    let client = CurlClient()
    let broken = "\(Self.secret)\(text)\(Self.secret)"
    let requests = [
      (HTTPClientRequest(method: "GET\(text)", url: server.url), "method"),
      (HTTPClientRequest(url: "\(server.url)\(broken)"), "URL"),
      (HTTPClientRequest(url: "\(server.url)?\(broken)"), "URL"),
      (HTTPClientRequest(url: server.url, headers: [("X-A", "1"), ("X\(text)", "1")]), "header 2"),
      (HTTPClientRequest(url: server.url, headers: [("X-Token", broken)]), "X-Token"),
      (HTTPClientRequest(url: server.url, headers: [("X-Token", "\(Self.secret)\(text)")]), "X-Token"),
    ]
    for (request, part) in requests {
      await #expect {
        _ = try await client.execute(request)
      } throws: { error in
        guard let error = error as? HTTPClientError else { return false }
        return error.code == .invalidRequest && error.kind == .badRequest && error.message.contains(part)
          && !error.message.contains(Self.secret) && !error.message.contains(text)
      }
    }
    // The next request is the first that the server sees.
    _ = try await client.execute(HTTPClientRequest(url: server.url + "well"))
    #expect(try await server.nextRequest().path == "/well")
  }

  @Test(
    "names that are none, white space in a URL, a body where none belongs, and another length than the body's are refused",
    arguments: [
      HTTPClientRequest(method: "", url: "http://localhost/"),
      HTTPClientRequest(method: "G T", url: "http://localhost/"),
      HTTPClientRequest(url: ""), HTTPClientRequest(url: "http://localhost/a b"),
      HTTPClientRequest(url: "http://localhost/", headers: [("", "1")]),
      HTTPClientRequest(url: "http://localhost/", headers: [("X A", "1")]),
      HTTPClientRequest(url: "http://localhost/", headers: [("X:", "1")]),
      HTTPClientRequest(url: "http://localhost/", headers: [("content-length", "5")]),
      HTTPClientRequest(url: "http://localhost/", headers: [("Transfer-Encoding", "chunked")]),
      HTTPClientRequest(method: "HEAD", url: "http://localhost/", body: [65]),
      HTTPClientRequest(method: "TRACE", url: "http://localhost/", body: [65]),
    ])
  func invalid(request: HTTPClientRequest) {
    #expect { try request.validate() } throws: { ($0 as? HTTPClientError)?.code == .invalidRequest }
  }

  @Test("what HTTP allows is sent: a tab, and letters beyond ASCII, in a value")
  func allowed() async throws {
    let server = try ScriptedServer()
    _ = try await CurlClient().execute(
      HTTPClientRequest(method: "QUERY-it", url: server.url, headers: [("X-a_b.c!", "a\tb"), ("X-Name", "Grüße")]))
  }
}
