import Foundation
import HTTPTestSupport
import TestSupport
import Testing
import WorkerKit

@testable import WorkerHTTP

@Suite("Proxies", .timeLimit(.minutes(20)))
struct ProxyTests {
  private static let names = [
    "http_proxy": "http://plain:1", "HTTPS_PROXY": "http://secure:2", "ALL_PROXY": "socks5h://all:3",
  ]

  /// Sources: curl(1), "Environment"; libcurl's CURLOPT_PROXY(3).
  @Test(
    "a proxy is the one that curl would take",
    arguments: [
      ("http://queue.example/", names, "http_proxy"), ("https://queue.example/", names, "HTTPS_PROXY"),
      ("https://queue.example/", ["ALL_PROXY": "all:3"], "ALL_PROXY"),
      ("http://queue.example/", ["all_proxy": "all:3", "ALL_PROXY": "other:4"], "all_proxy"),
      ("https://queue.example/", ["https_proxy": "low:1", "HTTPS_PROXY": "high:2"], "https_proxy"),
      ("https://queue.example/", ["https_proxy": "  \n", "HTTPS_PROXY": "high:2"], "HTTPS_PROXY"),
      ("https://queue.example/", ["http_proxy": "plain:1"], nil),
      // It would be the header `Proxy` of a CGI program's client.
      ("http://queue.example/", ["HTTP_PROXY": "plain:1"], nil),
      ("http://localhost:4566/", names, nil), ("http://127.0.0.2/", names, nil), ("https://[::1]/", names, nil),
    ])
  func choice(url: String, environment: [String: String], variable: String?) {
    #expect(HTTPProxy(for: url, environment: environment)?.variable == variable)
  }

  /// Source: libcurl's CURLOPT_NOPROXY(3).
  @Test(
    "NO_PROXY names hosts with what is below them, addresses and networks",
    arguments: [
      ("queue.example", "queue.example", true), ("eu.queue.example", "queue.example", true),
      ("eu.queue.example", ".queue.example", true), ("queue.example", ".queue.example", true),
      ("aqueue.example", "queue.example", false), ("queue.example", "eu.queue.example", false),
      ("QUEUE.example.", "queue.EXAMPLE", true), ("queue.example", "a, queue.example ,b", true),
      ("queue.example", "a queue.example", true), ("queue.example", "*", true), ("queue.example", "*.example", false),
      ("10.0.0.5", "10.0.0.5", true), ("10.0.0.5", "10.0.0.50", false), ("10.0.0.5", ".0.0.5", false),
      ("10.0.0.5", "10.0.0.0/8", true), ("11.0.0.5", "10.0.0.0/8", false), ("10.0.0.5", "10.0.0.4/31", true),
      ("10.0.0.6", "10.0.0.4/31", false), ("10.0.0.5", "0.0.0.0/0", true), ("10.0.0.5", "10.0.0.0/33", false),
      ("10.0.0.5", "10.0.0.0/x", false), ("[fd00:ec2::254]", "fd00:ec2::/32", true),
      ("[fd00:ec2::254]", "[fd00:ec2:0::254]", true),
      ("[fd00:ec3::254]", "fd00:ec2::/32", false),
    ])
  func exceptions(host: String, list: String, isExcepted: Bool) {
    for variable in ["no_proxy", "NO_PROXY"] {
      let environment = ["HTTPS_PROXY": "http://proxy:3128", variable: list]
      #expect((HTTPProxy(for: "https://\(host)/", environment: environment) == nil) == isExcepted)
    }
  }

  @Test(
    "a proxy is shown without its user and password",
    arguments: [
      ("http://user:p%40ss@proxy.example:3128", "http://proxy.example:3128"), ("user:a@b@proxy:1/", "proxy:1"),
      ("socks5h://proxy:1080", "socks5h://proxy:1080"), (" http://proxy:1\n", "http://proxy:1"),
      ("http://u@[fd00::1]:3128", "http://[fd00::1]:3128"),
    ])
  func description(url: String, shown: String) throws {
    let proxy = try #require(HTTPProxy(for: "https://queue.example/", environment: ["HTTPS_PROXY": url]))
    #expect(proxy.address == shown)
    #expect(proxy.description == "the proxy \(shown) that HTTPS_PROXY names")
  }

  @Test(
    "a request over plain HTTP goes to the proxy as a whole, for a host that only the proxy knows, with the proxy's user"
  )
  func carried() async throws {
    let server = try ScriptedServer()
    let proxy = server.url.replacing("http://", with: "http://us%65r:pass@")
    let client = CurlClient(environment: ["http_proxy": proxy])
    let response = try await client.execute(
      HTTPClientRequest(method: "POST", url: "http://queue.invalid/path?a=b", body: Array("hello".utf8)))
    #expect(String(decoding: response.body, as: UTF8.self) == "hello")
    let request = try await server.nextRequest()
    #expect(request.path == "http://queue.invalid/path?a=b")
    #expect(request.headers["Proxy-Authorization"] == "Basic \(Data("user:pass".utf8).base64EncodedString())")
    #expect(request.headers["Host"] == "queue.invalid")
  }

  @Test("a host in NO_PROXY, and a request that may not use one, goes without a proxy")
  func around() async throws {
    let server = try ScriptedServer()
    let environment = ["http_proxy": "http://127.0.0.1:1", "NO_PROXY": "queue.invalid"]
    // Without the proxy, nobody knows the name; a resolver may take long to say so.
    let patience = Duration.seconds(60)
    await #expect {
      _ = try await CurlClient(environment: environment).execute(
        HTTPClientRequest(url: "http://queue.invalid/", timeout: patience, connectTimeout: patience))
    } throws: { ($0 as? HTTPClientError)?.code == .nameNotResolved }
    await #expect {
      _ = try await CurlClient(environment: environment).execute(
        HTTPClientRequest(
          url: "http://other.invalid/", timeout: patience, connectTimeout: patience, mayUseProxy: false))
    } throws: { ($0 as? HTTPClientError)?.code == .nameNotResolved }
    #expect(try await CurlClient(environment: environment).execute(HTTPClientRequest(url: server.url)).status == 200)
  }

  private static func failure(
    _ url: String, through proxy: String, variable: String, connectTimeout: Duration = .seconds(20)
  ) async throws -> HTTPClientError {
    let client = CurlClient(environment: [variable: proxy])
    do {
      _ = try await client.execute(
        HTTPClientRequest(method: "POST", url: url, timeout: .seconds(20), connectTimeout: connectTimeout))
    } catch let error as HTTPClientError {
      return error
    }
    throw CocoaError(.featureUnsupported)
  }

  private static let queues = ["https://queue.invalid/", "http://queue.invalid/"]

  @Test("a proxy that is not there is named, with its variable and without its password", arguments: queues)
  func down(queue: String) async throws {
    let silent = try SilentPort()
    let addresses = [
      "http://user:s3cret@127.0.0.1:1", "http://user:s3cret@proxy.invalid:3128", "socks5h://user:s3cret@127.0.0.1:1",
      "socks5h://user:s3cret@proxy.invalid", silent.url.replacing("http://", with: "http://user:s3cret@"),
      "nonsense://user:s3cret@proxy:1", "http://user:s3 cret@proxy:1",
    ]
    for address in addresses {
      // One of them never answers.
      let error = try await Self.failure(
        queue, through: address, variable: "ALL_PROXY", connectTimeout: .milliseconds(300))
      #expect(error.code == .proxy, "\(address): \(error)")
      #expect(error.message.contains("that ALL_PROXY names"), "\(error)")
      #expect(!error.message.contains("s3"), "\(error)")
      #expect(error.kind == .network)
    }
  }

  @Test("a proxy that wants a user, or does not accept it, says so over both schemes", arguments: queues)
  func unauthorized(queue: String) async throws {
    let server = try ScriptedServer()
    try await server.answer(.init(status: 407), .init(status: 407))
    let without = try await Self.failure(queue, through: server.url, variable: "ALL_PROXY")
    #expect(without.code == .proxy)
    #expect(
      without.message.hasPrefix(
        "the proxy http://127.0.0.1:\(server.port) that ALL_PROXY names wants a user and a password; name it as "
          + "http://user:password@host:port ("), "\(without)")
    let with = try await Self.failure(
      queue, through: server.url.replacing("http://", with: "http://user:s3cret@"), variable: "ALL_PROXY")
    #expect(with.message.contains("does not accept the user and the password"), "\(with)")
    #expect(!with.message.contains("s3cret"))
  }

  @Test("a proxy that refuses to connect is named with its status", arguments: [403, 502, 503])
  func refusing(status: Int) async throws {
    let server = try ScriptedServer()
    try await server.answer(.init(status: status))
    let error = try await Self.failure("https://queue.invalid/", through: server.url, variable: "HTTPS_PROXY")
    #expect(error.code == .proxy)
    #expect(
      error.message.contains("that HTTPS_PROXY names answers \(status) when asked to connect to queue.invalid"),
      "\(error)")
    #expect(error.message.contains("NO_PROXY"))
  }

  @Test(
    "a connection that is cut, and an answer that is late, name the proxy that they came through",
    arguments: ["cut", "hold"])
  func cut(act: String) async throws {
    let server = try ScriptedServer()
    try await server.answer(.init(act: act))
    let client = CurlClient(environment: ["http_proxy": server.url])
    await #expect {
      _ = try await client.execute(
        HTTPClientRequest(url: "http://queue.invalid/", timeout: .seconds(act == "hold" ? 5 : 20)))
    } throws: { error in
      (error as? HTTPClientError)?.code == (act == "cut" ? .interrupted : .timeout)
        && "\(error)".contains("queue.invalid") && "\(error)".contains("that http_proxy names")
    }
  }
}
