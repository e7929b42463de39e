import Foundation
import HTTPTestSupport
import Testing

@testable import WorkerHTTP

@Suite("Where a client may connect to", .timeLimit(.minutes(20)))
struct AddressPolicyTests {
  private static let never = [
    "169.254.169.254", "169.254.0.1", "169.254.255.255", "fe80::1", "febf::1", "fd00:ec2::254", "fd00:ec2::23",
    "fd20:ce::254", "100.100.100.200", "192.0.0.192", "168.63.129.16", "224.0.0.1", "239.255.255.255",
    "255.255.255.255", "ff02::1",
    "fd00:c1::a9fe:a9fe", "fd00:42::42",
    // The same in IPv6's clothes: mapped, compatible, translated, NAT64, 6to4.
    "::ffff:169.254.169.254", "::169.254.169.254", "::ffff:0:169.254.169.254", "64:ff9b::169.254.169.254",
    "2002:a9fe:a9fe::1",
    // A network's own NAT64 prefix, of each length that fits: /96, /64, /56 and /48.
    "64:ff9b:1::169.254.169.254", "64:ff9b:1:7:8:9:a9fe:a9fe", "64:ff9b:1:0:a9:fea9:fe00::",
    "64:ff9b:1:a9:fe:a9fe::", "64:ff9b:1:a9fe:a9:fe00::", "64:ff9b:1::100.100.100.200",
  ]
  private static let ofPrivateNetworks = [
    "127.0.0.1", "127.255.0.1", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "0.0.0.0",
    "0.1.2.3", "198.18.0.1", "240.0.0.1", "::1", "::", "fc00::1", "fdff::1", "fec0::1", "::ffff:127.0.0.1",
    "64:ff9b::10.0.0.1", "64:ff9b:1::1", "64:ff9b:1::8.8.8.8", "::ffff:0:10.0.0.1", "2002:7f00:1::",
  ]
  private static let ofAll = [
    "8.8.8.8", "172.32.0.1", "172.15.255.255", "100.128.0.1", "169.253.1.1", "192.167.1.1", "11.0.0.1", "126.0.0.1",
    "2606:4700::1", "fe00::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "::ffff:0:8.8.8.8",
    "2002:808:808::",
  ]

  @Test(
    "an address is allowed by what it leads to",
    arguments: never.map { ($0, false, false) } + ofPrivateNetworks.map { ($0, true, false) }
      + ofAll.map { ($0, true, true) })
  func policies(text: String, inPrivateNetwork: Bool, inPublicNetwork: Bool) throws {
    let address = try #require(IPAddress(text))
    #expect(AddressPolicy.any.problem(of: address) == nil)
    #expect((AddressPolicy.privateNetwork.problem(of: address) == nil) == inPrivateNetwork)
    #expect((AddressPolicy.publicNetwork.problem(of: address) == nil) == inPublicNetwork)
  }

  @Test(
    "a host that is written as an address is one in any form that libcurl reads",
    arguments: [
      "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::1]", "127.0.0.1.", "localhost", "LOCALHOST.",
      "a.localhost",
    ])
  func hosts(host: String) {
    #expect(AddressPolicy.publicNetwork.problem(ofHost: host) != nil)
    #expect(AddressPolicy.privateNetwork.problem(ofHost: host) == nil)
  }

  @Test("other names are looked up first", arguments: ["bot.example", "127.0.0.1.example", "a1", "localhost.example"])
  func names(host: String) {
    #expect(AddressPolicy.publicNetwork.problem(ofHost: host) == nil)
  }

  @Test("no connection is opened to an address that is refused, and the error says which it was")
  func refused() async throws {
    let server = try ScriptedServer()
    try await server.answer(.init(body: "hello"))
    let client = CurlClient(addresses: .publicNetwork)
    for host in ["127.0.0.1", "localhost", "127.1", "[::ffff:127.0.0.1]"] {
      do {
        _ = try await client.execute(HTTPClientRequest(url: "http://\(host):\(server.port)/"))
        Issue.record("\(host) is an address of this machine")
      } catch let error as HTTPClientError {
        #expect(error.code == .addressRefused)
        #expect(error.message.contains("127.0.0.1") || error.message.contains("::1"), "\(error)")
      }
    }
    let response = try await CurlClient(addresses: .privateNetwork).execute(HTTPClientRequest(url: server.url))
    #expect(String(decoding: response.body, as: UTF8.self) == "hello")
  }
}

@Suite("An answer whose status is what counts", .timeLimit(.minutes(20)))
struct KeptBodyTests {
  private func request(_ url: String, timeout: Duration = .seconds(30)) -> HTTPClientRequest {
    HTTPClientRequest(method: "POST", url: url, timeout: timeout, keptBodySize: 4)
  }

  @Test("no more of its body is kept than is wanted, and the connection is kept, too")
  func kept() async throws {
    let server = try ScriptedServer()
    let client = CurlClient()
    for body in ["", "abc", "abcdefgh", String(repeating: "x", count: 60_000), "end"] {
      try await server.answer(.init(status: 422, body: body))
      let response = try await client.execute(request(server.url))
      #expect(response.status == 422)
      #expect(String(decoding: response.body, as: UTF8.self) == String(body.prefix(4)))
      #expect(try await server.nextRequest().connection == 1)
    }
  }

  @Test("a long one is not read to its end, and counts")
  func long() async throws {
    let server = try ScriptedServer()
    try await server.answer(.init(status: 500, body: String(repeating: "y", count: 10_000_000)))
    let response = try await CurlClient().execute(request(server.url))
    #expect(response.status == 500)
    #expect(response.body == Array("yyyy".utf8))
  }

  @Test("one that the server breaks off counts as well")
  func truncated() async throws {
    let server = try ScriptedServer()
    try await server.answer(.init(status: 200, body: "abcdef", act: "truncate"))
    #expect(try await CurlClient().execute(request(server.url)).status == 200)
  }

  @Test("one that is broken off counts as well where its headers end in line feeds alone")
  func lineFeeds() async throws {
    let server = try ScriptedServer()
    try await server.answer(.init(status: 422, body: "abcdef", act: "line feeds"))
    let response = try await CurlClient().execute(request(server.url))
    #expect(response.status == 422)
    #expect(String(decoding: response.body, as: UTF8.self) == "abc")
  }

  @Test("one that breaks off before its status is no answer")
  func cut() async throws {
    let server = try ScriptedServer()
    try await server.answer(.init(act: "cut"))
    await #expect(throws: HTTPClientError.self) { try await CurlClient().execute(request(server.url)) }
  }
}
