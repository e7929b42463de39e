import Foundation
import TestSupport
import Testing
import WorkerKit

@testable import PrizePlugins

/// What a server takes that is not in the same data center.
@Suite(.enabled(if: TestPostgres.isRunning), .timeLimit(.minutes(20))) struct PostgresDistanceTests {
  /// One of 250 events adds to a stack that is full, on a server that is 20 ms away.
  @Test func oneRefusedEventOfALargeBatchCostsNoOther() async throws {
    try await Fixture.with(.postgresql) { (prizes) async throws in
      _ = try await prizes.store.grant(.of(Fixture.coin, to: Fixture.stranger), as: .item("first"))
      try prizes.execute("UPDATE items SET quantity = 9007199254740991")
      let uri = try #require(TestPostgres.uri)
      let port = try #require(uri.split(separator: ":").last?.split(separator: "/").first)
      let proxy = try DelayingProxy(to: try #require(UInt16(port)), delay: 0.01)
      let schema = try prizes.rows("SELECT current_schema()")[0]
      let distant = uri.replacing(":\(port)/", with: ":\(proxy.port)/") + "?options=-csearch_path%3D\(schema)"
      let store = try await PostgresPrizeStore(try #require(PostgresAddress(uri: distant)))
      let events = (0..<250).map { number in
        let account = number == 100 ? Fixture.stranger : DiscordUserID.valid("\(100_000_000_000_000_000 + number)")
        return ("\(number)", ItemAwarded.of(Fixture.coin, to: account))
      }
      let words = BatchTests.words(try await store.grant(BatchTests.batch(events)))
      #expect(words.indices.filter { words[$0] == "pending" }.count == 249)
      #expect(words[100] == "conflict")
      #expect(try prizes.handledEvents() == 250)
      store.close()
    }
  }
}

/// A proxy that delays what is sent through it, each way. It blocks threads of its own, and ends with the process.
private final class DelayingProxy: Sendable {
  let port: Int

  init(to target: UInt16, delay: TimeInterval) throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = Self.address(port: 0)
    let isListening = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        return bind(listener, address, length) == 0 && listen(listener, 16) == 0
          && getsockname(listener, address, &length) == 0
      }
    }
    try #require(isListening)
    port = Int(UInt16(bigEndian: address.sin_port))
    Thread.detachNewThread {
      while true {
        let client = accept(listener, nil, nil)
        guard client >= 0 else { return }
        let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = Self.address(port: target)
        let isConnected = withUnsafeMutablePointer(to: &address) { pointer in
          pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
            connect(server, address, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
          }
        }
        guard isConnected else {
          close(client)
          continue
        }
        for (from, to) in [(client, server), (server, client)] {
          Thread.detachNewThread { Self.forward(from, to, delay) }
        }
      }
    }
  }

  private static func address(port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    address.sin_port = port.bigEndian
    return address
  }

  private static func forward(_ from: CInt, _ to: CInt, _ delay: TimeInterval) {
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = recv(from, &bytes, bytes.count, 0)
      guard count > 0 else { break }
      Thread.sleep(forTimeInterval: delay)
      var rest = Array(bytes[..<count])
      while !rest.isEmpty {
        let sent = send(to, rest, rest.count, Int32(MSG_NOSIGNAL))
        guard sent > 0 else { break }
        rest.removeFirst(sent)
      }
    }
    shutdown(to, Int32(SHUT_WR))
  }
}
