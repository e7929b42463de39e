import Foundation
import HTTPTestSupport
import TestSupport
import Testing
import WorkerKit

@testable import WorkerHTTP

@Suite("The HTTP client", .timeLimit(.minutes(20)))
struct CurlClientTests {
  @Test("a request is sent as it is, and its answer comes back whole")
  func exchange() async throws {
    let server = try ScriptedServer()
    try await server.answer(.init(status: 418, headers: ["X-Test": " spaced "], body: "short and stout"))
    let response = try await CurlClient().execute(
      HTTPClientRequest(
        method: "POST", url: server.url, headers: [("X-Amz-Target", "AmazonSQS.Test")], body: Array("Grüße".utf8)))
    #expect(response.status == 418)
    #expect(response[header: "x-TEST"] == "spaced")
    #expect(String(decoding: response.body, as: UTF8.self) == "short and stout")
    let request = try await server.nextRequest()
    #expect(request.body == "Grüße")
    #expect(request.headers["X-Amz-Target"] == "AmazonSQS.Test")
    #expect(request.headers["Expect"] == nil)
  }

  @Test("connections are kept and used again")
  func reuse() async throws {
    let server = try ScriptedServer()
    let client = CurlClient()
    for number in 1...20 {
      let response = try await client.execute(
        HTTPClientRequest(method: "POST", url: server.url, body: Array("\(number)".utf8)))
      #expect(String(decoding: response.body, as: UTF8.self) == "\(number)")
      #expect(try await server.nextRequest().connection == 1)
    }
  }

  #if os(Linux)
    /// Beside handlers that keep every processor busy, each answer would take one from its handler, and give it back for the
    /// next.
    @Test(
      "its thread, which waits for answers, takes no processor from a handler when they come; others stay as they are",
      .enabled(if: mayBatch, "this process has another scheduling policy than the usual, or may not change it"))
    func preemptsNone() async throws {
      let server = try ScriptedServer()
      let client = CurlClient()
      _ = try await client.execute(HTTPClientRequest(method: "POST", url: server.url))
      try await yieldUntil {
        try Self.threads().contains { $0.name == "worker-http" && $0.policy == Self.batch }
      }
      withExtendedLifetime(client) {}
      for thread in try Self.threads() where thread.name != "worker-http" {
        #expect(thread.policy == Int(SCHED_OTHER), "\(thread.name)")
      }
    }

    /// `SCHED_BATCH`, which is no name in Swift.
    private static let batch = 3

    private static let mayBatch: Bool = {
      guard sched_getscheduler(0) == SCHED_OTHER else { return false }
      var none = sched_param()
      defer { sched_setscheduler(0, SCHED_OTHER, &none) }
      return sched_setscheduler(0, Int32(batch), &none) == 0 && sched_getscheduler(0) == batch
    }()

    /// The names and scheduling policies of this process's threads. Source: proc(5), `/proc/pid/stat`.
    private static func threads() throws -> [(name: String, policy: Int)] {
      var threads: [(name: String, policy: Int)] = []
      for id in try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task") {
        // A thread can end while this looks. Its name is read last: one that begins takes it before its policy.
        guard let stat = try? String(contentsOfFile: "/proc/self/task/\(id)/stat", encoding: .utf8),
          let nameEnd = stat.lastIndex(of: ")"),
          let name = try? String(contentsOfFile: "/proc/self/task/\(id)/comm", encoding: .utf8)
        else { continue }
        // Of 52 fields the policy is the 41st, and the name, which may have spaces, the second.
        let fields = stat[nameEnd...].split(separator: " ")
        threads.append((name.trimmingCharacters(in: .newlines), try #require(Int(fields[41 - 2]))))
      }
      return threads
    }
  #endif

  @Test("a connection that the server left is replaced, and no request is lost with it")
  func left() async throws {
    let server = try ScriptedServer()
    let client = CurlClient()
    for number in 1...10 {
      try await server.answer(.init(body: "\(number)", act: "leave"))
      let response = try await client.execute(HTTPClientRequest(method: "POST", url: server.url, body: [65]))
      #expect(String(decoding: response.body, as: UTF8.self) == "\(number)")
      #expect(try await server.nextRequest().connection == number)
    }
  }

  @Test("nothing of a request is in the next one, whatever its method, and whether it has a body")
  func kinds() async throws {
    let server = try ScriptedServer()
    let client = CurlClient()
    let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    var kinds = methods.map { HTTPClientRequest(method: $0, url: server.url) }
    for method in methods where method != "HEAD" {
      kinds.append(
        HTTPClientRequest(
          method: method, url: server.url + "with-body", headers: [("X-First", "1")], body: Array("a\0b\r\n".utf8)))
    }
    for first in kinds {
      for request in [first] + kinds {
        let response = try await client.execute(request)
        let received = try await server.nextRequest()
        #expect(received.method == request.method)
        #expect(server.url.dropLast() + received.path == request.url)
        #expect(received.body == String(decoding: request.body, as: UTF8.self))
        #expect(received.headers["X-First"] == request.headers.first?.value)
        // A method that means a body says that there is none.
        let hasLength = !request.body.isEmpty || ["POST", "PUT", "PATCH"].contains(request.method)
        #expect(received.headers["Content-Length"] == (hasLength ? "\(request.body.count)" : nil))
        for name in ["Content-Type", "Transfer-Encoding", "Expect", "Accept"] { #expect(received.headers[name] == nil) }
        #expect(received.connection == 1)
        #expect(response.body == request.body)
      }
    }
  }

  @Test(
    "an answer that has no body ends with its headers, whatever length they name, and the connection goes on",
    arguments: [("HEAD", 200), ("HEAD", 404), ("GET", 204), ("DELETE", 204), ("PUT", 204), ("GET", 304), ("GET", 200)])
  func withoutBody(method: String, status: Int) async throws {
    let server = try ScriptedServer()
    let client = CurlClient()
    let hasBody = method == "GET" && status == 200
    for _ in 1...2 {
      try await server.answer(.init(status: status, body: "a body"))
      let response = try await client.execute(HTTPClientRequest(method: method, url: server.url))
      #expect(response.status == status)
      #expect(response.body == (hasBody ? Array("a body".utf8) : []))
      #expect(response[header: "Content-Length"] == (status == 204 ? nil : "6"))
      #expect(try await server.nextRequest().connection == 1)
    }
  }

  @Test("a header without a value is sent, and one of the client's own can be given in any spelling")
  func ownHeaders() async throws {
    let server = try ScriptedServer()
    _ = try await CurlClient().execute(
      HTTPClientRequest(
        method: "POST", url: server.url, headers: [("X-Empty", ""), ("content-TYPE", "a/b"), ("X-Blank", " ")]))
    let headers = try await server.nextRequest().headers
    #expect(headers["X-Empty"] == "")
    #expect(headers["X-Blank"] == "")
    #expect(headers.filter { $0.key.lowercased() == "content-type" } == ["content-TYPE": "a/b"])
  }

  @Test("an answer's headers are found by their names in any case, and listed as they came")
  func headers() {
    var lines = HeaderLines()
    for line in [
      "HTTP/1.1 100 Go: on\r\n", "Early: 1\r\n", "\r\n", "HTTP/1.1 200 All: well\r\n", "X-One:  a: b \t\r\n",
      "broken\r\n",
      "Empty:\r\n", "x-one: c\r\n", "Last: é", "",
    ] {
      lines.append(Array(line.utf8))
    }
    let response = HTTPClientResponse(status: 200, headers: lines, body: [])
    #expect(response.headers.map(\.name) == ["x-one", "empty", "x-one", "last"])
    #expect(response.headers.map(\.value) == ["a: b", "", "c", "é"])
    #expect(response[header: "X-ONE"] == "a: b")
    #expect(response[header: "empty"] == "")
    #expect(response[header: "last"] == "é")
    for name in ["early", "x-on", "http/1.1 200 all", ""] { #expect(response[header: name] == nil) }
  }

  @Test("many requests at once each get their own answer")
  func concurrent() async throws {
    let server = try ScriptedServer()
    let client = CurlClient()
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for number in 1...100 {
        group.addTask {
          let body = Array(String(repeating: "\(number) ", count: number * 10).utf8)
          return try await client.execute(HTTPClientRequest(method: "POST", url: server.url, body: body)).body == body
        }
      }
      for try await isOwn in group { #expect(isOwn) }
    }
  }

  @Test("a cancelled task ends its request at once, though the server never answers")
  func cancellation() async throws {
    let server = try ScriptedServer()
    try await server.answer(.init(act: "hold"))
    let client = CurlClient()
    let task = Task {
      try await client.execute(HTTPClientRequest(method: "POST", url: server.url, timeout: .seconds(3600)))
    }
    _ = try await server.nextRequest()
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    let next = try await client.execute(HTTPClientRequest(method: "POST", url: server.url, body: Array("on".utf8)))
    #expect(next.status == 200)
  }

  @Test("whenever it is cancelled, a request ends exactly once")
  func randomCancellation() async throws {
    let server = try ScriptedServer()
    let client = CurlClient()
    await withTaskGroup(of: Void.self) { group in
      for number in 0..<500 {
        group.addTask {
          let task = Task { try await client.execute(HTTPClientRequest(method: "POST", url: server.url, body: [65])) }
          for _ in 0..<number % 50 { await Task.yield() }
          task.cancel()
          // A second resumption would trap, and a missing one would outlast the time limit.
          if let response = try? await task.value { #expect(response.status == 200) }
        }
      }
    }
  }

  @Test("no answer in time is a timeout")
  func timeout() async throws {
    let server = try ScriptedServer()
    try await server.answer(.init(act: "hold"))
    await #expect {
      // Long enough to connect and to send: where that takes longer, it is another error.
      _ = try await CurlClient().execute(HTTPClientRequest(url: server.url, timeout: .seconds(5)))
    } throws: {
      ($0 as? HTTPClientError)?.code == .timeout && ($0 as? HTTPClientError)?.kind == .timeout
        && "\($0)".contains("did not answer within 5.0s")
    }
  }

  @Test("without a timeout of its own a request ends with its task, even where the one before it had a timeout")
  func noTimeout() async throws {
    let server = try ScriptedServer()
    let client = CurlClient()
    // Long enough for an answer, however busy the machine is.
    _ = try await client.execute(HTTPClientRequest(url: server.url, timeout: .seconds(6)))
    try await server.answer(.init(act: "hold"))
    let request = Task { try await client.execute(HTTPClientRequest(url: server.url, timeout: nil)) }
    // Longer than the timeout of the request before, whose handle this one has.
    try await Task.sleep(for: .seconds(7))
    request.cancel()
    await #expect(throws: CancellationError.self) { try await request.value }
  }

  @Test("a connection that is cut before or within the answer is an interruption", arguments: ["cut", "truncate"])
  func interrupted(act: String) async throws {
    let server = try ScriptedServer()
    try await server.answer(.init(body: "half of this", act: act))
    await #expect {
      _ = try await CurlClient().execute(HTTPClientRequest(method: "POST", url: server.url))
    } throws: { ($0 as? HTTPClientError)?.code == .interrupted && ($0 as? HTTPClientError)?.kind == .network }
  }

  @Test("an answer that is too large is given up")
  func tooLarge() async throws {
    let server = try ScriptedServer()
    await #expect {
      _ = try await CurlClient(maximumResponseSize: 1000).execute(
        HTTPClientRequest(method: "POST", url: server.url, body: [UInt8](repeating: 65, count: 1001)))
    } throws: { ($0 as? HTTPClientError)?.code == .tooLarge }
  }

  @Test("where nobody listens, the error says so")
  func refused() async throws {
    // A port that is reserved, and so never served.
    await #expect {
      _ = try await CurlClient().execute(HTTPClientRequest(url: "http://127.0.0.1:1/"))
    } throws: { ($0 as? HTTPClientError)?.code == .notConnected && "\($0)".contains("nothing answers at 127.0.0.1:1;") }
  }

  @Test("where a connection takes too long, nothing was sent: that is not a late answer")
  func unreachable() async throws {
    let nowhere = try SilentPort()
    await #expect {
      _ = try await CurlClient().execute(HTTPClientRequest(url: nowhere.url, connectTimeout: .milliseconds(50)))
    } throws: { ($0 as? HTTPClientError)?.code == .notConnected && ($0 as? HTTPClientError)?.kind == .network }
    await #expect {
      _ = try await CurlClient().execute(HTTPClientRequest(url: nowhere.url, timeout: .milliseconds(50)))
    } throws: { ($0 as? HTTPClientError)?.code == .notConnected }
  }

  @Test("a name that does not exist is said to have no address")
  func unresolved() async throws {
    await #expect {
      // Long enough for a resolver that is slow to say so: where that takes longer, it is another error.
      _ = try await CurlClient().execute(
        HTTPClientRequest(url: "http://queue.invalid/", timeout: .seconds(60), connectTimeout: .seconds(60)))
    } throws: { ($0 as? HTTPClientError)?.code == .nameNotResolved }
  }

  @Test("only HTTP is spoken", arguments: ["file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/"])
  func otherProtocols(url: String) async throws {
    await #expect(throws: HTTPClientError.self) { _ = try await CurlClient().execute(HTTPClientRequest(url: url)) }
  }

  @Test("when the client goes, its thread goes, and what is posted late fails")
  func shutDown() async throws {
    let server = try ScriptedServer()
    for _ in 0..<20 {
      let client = CurlClient()
      #expect(try await client.execute(HTTPClientRequest(method: "POST", url: server.url, body: [65])).status == 200)
    }
  }

  @Test("a ping is answered at rest, and while requests are under way that no server answers")
  func ping() async throws {
    let server = try ScriptedServer()
    let client = CurlClient()
    try await client.ping()
    try await server.answer(.init(act: "hold"))
    let task = Task {
      try await client.execute(HTTPClientRequest(method: "POST", url: server.url, timeout: .seconds(3600)))
    }
    _ = try await server.nextRequest()
    try await client.ping()
    task.cancel()
    _ = await task.result
  }

  @Test("a ping is answered by the thread alone, ends at once when it is cancelled, and does not outlast the loop")
  func pingWithoutAnswer() async throws {
    let loop = CurlLoop(CurlConfiguration(maximumResponseSize: 1000))
    let cancelled = Task { try await loop.ping() }
    let waiting = Task { try await loop.ping() }
    cancelled.cancel()
    await #expect(throws: CancellationError.self) { try await cancelled.value }
    loop.start()
    try await waiting.value
    loop.stop()
    try await loop.ping()
  }
}
