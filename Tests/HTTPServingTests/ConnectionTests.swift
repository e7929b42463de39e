import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import HTTPServing

@Suite("A connection")
struct ConnectionTests {
  private let server = TestServer()

  @Test("has a minute for the head of its next request")
  func head() throws {
    let connection = try server.connect()
    server.wait(59)
    #expect(connection.isActive)
    try connection.request()
    server.wait(3600)
    #expect(connection.isActive, "it waits for its answer")
    try connection.answer()
    server.wait(59)
    #expect(connection.isActive)
    server.wait(2)
    #expect(!connection.isActive)
  }

  @Test("has half a minute for a body, and a second for each 4 KiB")
  func body() throws {
    let connection = try server.connect()
    try connection.head(length: 1 << 20)
    server.wait(20)
    for _ in 0..<30 {
      try connection.body(4096)
      server.wait(1)
    }
    #expect(connection.isActive)
    // From here on it drips.
    for _ in 0..<12 where connection.isActive {
      try connection.body(1)
      server.wait(1)
    }
    #expect(!connection.isActive)
  }

  @Test("has half a minute to read what it is sent")
  func unread() throws {
    let connection = try server.connect()
    try connection.request()
    connection.setWritable(false)
    server.wait(29)
    #expect(connection.isActive)
    // Of so much that it has read a little of it.
    connection.setWritable(true)
    connection.setWritable(false)
    server.wait(2)
    #expect(!connection.isActive)
  }

  @Test("is closed five seconds after a stop, whatever it waits for")
  func stop() throws {
    let connection = try server.connect()
    try connection.request()
    connection.stop()
    server.wait(4)
    #expect(connection.isActive)
    server.wait(2)
    #expect(!connection.isActive)
  }

  @Test("that is free is closed by a stop at once")
  func stopOfFree() throws {
    let connection = try server.connect()
    try connection.request()
    try connection.answer()
    connection.stop()
    #expect(!connection.isActive)
  }

  @Test("is answered before a stop closes it")
  func stopOfAnswered() throws {
    let connection = try server.connect()
    try connection.request()
    connection.stop()
    let head = try connection.answer()
    #expect(head.headers["connection"] == ["close"])
    #expect(!connection.isActive)
  }
}

@Suite("Where connections are full")
struct FullTests {
  @Test("the one that has waited longest for its client gives way")
  func givesWay() throws {
    let server = TestServer(connections: 3)
    let polling = try server.connect()
    try polling.request()
    server.wait(1)
    let dripping = try server.connect()
    try dripping.head(length: 10)
    server.wait(1)
    let free = try server.connect()
    server.wait(1)
    #expect(server.open.mayAccept())
    let new = try server.connect()
    #expect([polling, dripping, free, new].map(\.isActive) == [true, false, true, true])
  }

  @Test("a client waits while all others wait for the server")
  func polls() throws {
    let server = TestServer(connections: 2)
    let polls = [try server.connect(), try server.connect()]
    for poll in polls { try poll.request() }
    #expect(!server.open.mayAccept())
    try polls[1].answer()
    #expect(server.open.mayAccept())
    server.wait(1)
    _ = try server.connect()
    #expect(polls.map(\.isActive) == [true, false])
  }

  @Test("those that hold most are closed")
  func held() throws {
    let server = TestServer(heldBytes: 1000)
    let small = try server.connect()
    try small.head(length: 400)
    try small.body(399)
    let finished = try server.connect()
    try finished.head(length: 700)
    try finished.body(700)
    try finished.end()
    let large = try server.connect()
    try large.head(length: 1000)
    try large.body(601)
    server.wait(1)
    #expect(large.isActive)
    try large.body(1)
    server.wait(1)
    #expect([small, finished, large].map(\.isActive) == [true, true, false])
  }
}

@Suite("Dates")
struct DateTests {
  @Test(
    "are written as HTTP has them",
    arguments: [
      (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
      (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (1_767_225_599, "Wed, 31 Dec 2025 23:59:59 GMT"),
    ])
  func format(second: Int, text: String) {
    var date = HTTPDate()
    #expect(date.at(second) == text)
    #expect(date.at(second) == text)
    #expect(date.at(second + 1) != text)
  }
}

/// Connections without sockets, and time that passes when a test says so.
private final class TestServer {
  private let eventLoop = EmbeddedEventLoop()
  private var channels: [EmbeddedChannel] = []
  let open: OpenConnections

  init(connections: Int = 10, heldBytes: Int = 1 << 20) {
    var limits = HTTPServerLimits(connections: connections, bodySize: 1 << 20)
    limits.heldBytes = heldBytes
    open = OpenConnections(limits)
  }

  func connect() throws -> TestConnection {
    let channel = EmbeddedChannel(handler: ConnectionHandler(open), loop: eventLoop)
    channels.append(channel)
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    return TestConnection(channel: channel)
  }

  deinit {
    // A connection that is open and the server's list of them hold each other.
    for channel in channels { _ = try? channel.finish(acceptAlreadyClosed: true) }
  }

  func wait(_ seconds: Int) {
    for _ in 0..<seconds { eventLoop.advanceTime(by: .seconds(1)) }
  }
}

private struct TestConnection {
  let channel: EmbeddedChannel

  var isActive: Bool { channel.isActive }

  func request() throws {
    try head(length: 0)
    try end()
  }

  func head(length: Int) throws {
    let headers: HTTPHeaders = ["host": "localhost", "content-length": "\(length)"]
    try channel.writeInbound(
      HTTPServerRequestPart.head(.init(version: .http1_1, method: .POST, uri: "/", headers: headers)))
  }

  func body(_ size: Int) throws {
    try channel.writeInbound(HTTPServerRequestPart.body(ByteBuffer(repeating: 0, count: size)))
  }

  func end() throws {
    try channel.writeInbound(HTTPServerRequestPart.end(nil))
  }

  /// - Returns: the head as it leaves.
  @discardableResult
  func answer() throws -> HTTPResponseHead {
    try channel.writeOutbound(HTTPServerResponsePart.head(.init(version: .http1_1, status: .ok)))
    // The connection may be closed with the last part.
    channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil)
    guard case .head(let head) = try channel.readOutbound(as: HTTPServerResponsePart.self) else {
      throw ChannelError.unknownLocalAddress
    }
    return head
  }

  func setWritable(_ isWritable: Bool) {
    channel.isWritable = isWritable
    channel.pipeline.fireChannelWritabilityChanged()
  }

  func stop() {
    channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
  }
}
