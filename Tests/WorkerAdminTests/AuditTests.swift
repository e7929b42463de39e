import Foundation
import Logging
import TestSupport
import Testing
import WorkerKit
import WorkerLocks

@testable import WorkerAdmin

@Suite("Audit log")
struct AuditTests {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("audit-\(UUID().uuidString)").path
  let now = Now()

  /// A time that a test sets.
  final class Now: Sendable {
    let date = Mutex(Date(timeIntervalSince1970: 1_800_000_000))
    func advance(by seconds: TimeInterval) { date.withLock { $0 += seconds } }
  }

  var audit: AuditLog { AuditLog(folder: folder, logger: quietLogger, now: { [now] in now.date.withLock { $0 } }) }

  private func lines() throws -> [String] {
    try String(contentsOfFile: "\(folder)/audit.jsonl", encoding: .utf8).split(separator: "\n").map(String.init)
  }

  @Test("failed logins of one user from one address are two lines in a minute, however many they are")
  func folding() async throws {
    let audit = audit
    for _ in 0..<50 { await audit.addFailedLogin("ana", from: "192.0.2.1") }
    #expect(audit.latest().count == 1)
    await audit.addFailedLogin("ana", from: "192.0.2.2")
    now.advance(by: 61)
    await audit.add("bea", "logged in")
    let entries = audit.latest()
    #expect(entries.map(\.action) == ["logged in", "failed to log in", "failed to log in", "failed to log in"])
    #expect(entries[1].details == ["address": "192.0.2.1", "moreWithinAMinute": "49"])
    await audit.addFailedLogin("ana", from: "192.0.2.1")
    #expect(audit.latest().count == 5)
    #expect(try lines().count == 5)
  }

  @Test("an end of the process loses no count of failed logins")
  func end() async throws {
    let audit = audit
    for _ in 0..<3 { await audit.addFailedLogin("ana", from: "192.0.2.1") }
    let ending = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      await audit.flush(isEnd: true)
    }
    await ending.value
    #expect(audit.latest()[0].details["moreWithinAMinute"] == "2")
    #expect(try lines().count == 2)
  }

  @Test("invented names are counted together")
  func inventedNames() async {
    let audit = audit
    for number in 0..<1000 { await audit.addFailedLogin("user \(number)", from: "192.0.2.1") }
    #expect(audit.latest().count == 100)
    now.advance(by: 61)
    await audit.flush()
    #expect(audit.latest()[0].details["moreWithinAMinute"] == "900")
  }

  @Test(
    "a name cannot write a line of its own",
    arguments: ["ana\n{\"user\":\"eve\"}", "\u{1B}[31mred", "a\u{202E}b", "x\r\ny"])
  func injection(name: String) async throws {
    let audit = audit
    await audit.addFailedLogin(name, from: "192.0.2.1")
    await audit.add(name, "refresh", details: ["queue": name])
    let lines = try lines()
    #expect(lines.count == 2)
    for line in lines {
      let object = try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      let user = try #require(object["user"] as? String)
      #expect(!user.unicodeScalars.contains(where: TerminalText.isUnprintable) && user != "eve")
    }
  }

  @Test("a file that has grown is kept once, and a new one begins; both are read again")
  func rotation() async throws {
    let audit = audit
    await audit.add("ana", "first")
    let path = "\(folder)/audit.jsonl"
    let file = try #require(FileHandle(forWritingAtPath: path))
    try file.truncate(atOffset: 9 << 20)
    try file.close()
    await audit.add("ana", "second")
    #expect(try lines().count == 1)
    #expect(FileManager.default.fileExists(atPath: "\(path).1"))
    let next = self.audit
    await next.load()
    #expect(next.latest().map(\.action) == ["second"])
  }
}
