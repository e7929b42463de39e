import Foundation
import HTTPTypes
import Testing
import WorkerKit
import WorkerLocks
import WorkerTesting

@testable import WorkerAdmin

@Suite("Dead letters in the console")
struct DeadLetterPagesTests {
  private static let operatorVisitor = Visitor(name: "ana", role: .operator, means: .loopback, token: "")

  @Test("of those who restore the same dead letter at once, one does")
  func restoredOnce() async throws {
    let fixture = try ConsoleFixture()
    try await fixture.running {
      fixture.deadLetters.put(body: Array(#"{"eventType":"X"}"#.utf8))
      let ids = try await fixture.refresh()
      #expect(try await fixture.carryOut(.discard).gone.count == 1)
      let counts = await withTaskGroup(of: Int.self) { group in
        for _ in 0..<8 {
          group.addTask {
            (try? await fixture.console.restore(ids, by: Self.operatorVisitor))?.count ?? 0
          }
        }
        return await group.reduce(0, +)
      }
      #expect(counts == 1)
      #expect(fixture.deadLetters.messages.count == 1)
    }
  }

  @Test("a dead letter that could not be deleted is not among the discarded ones, and can be discarded later")
  func stayed() async throws {
    let fixture = try ConsoleFixture()
    try await fixture.running {
      fixture.deadLetters.put(body: Array(#"{"eventType":"X"}"#.utf8))
      _ = try await fixture.refresh()
      let refusal = QueueError(code: .init(rawValue: "AccessDenied"), kind: .badRequest, message: "not allowed")
      for _ in 0..<3 { fixture.deadLetters.fail(.delete, with: refusal) }
      #expect(try await fixture.carryOut(.discard).left.count == 1)
      #expect(try await fixture.console.deadLetters.discarded.list().count == 0)
      _ = try await fixture.refresh()
      #expect(try await fixture.carryOut(.discard).gone.count == 1)
      #expect(try await fixture.console.deadLetters.discarded.list().count == 1)
    }
  }

  @Test("a restore is in the audit log also if one queue fails")
  func partialRestore() async throws {
    let others = InMemoryQueue("others-dlq")
    let fixture = try ConsoleFixture(otherQueues: [InMemoryQueue("others", redrive: .init(to: others))])
    try await fixture.running {
      fixture.deadLetters.put(body: Array(#"{"eventType":"X"}"#.utf8))
      let ids = try await fixture.refresh()
      _ = try await fixture.carryOut(.discard)
      let gone = DeadLetter(ReceivedMessage(id: "gone-1", receiptHandle: "", body: Array("{}".utf8)))
      try await fixture.console.deadLetters.discarded.keep([gone], of: "a-queue-no-more", by: "ana")
      let result = try await fixture.console.restore(ids + ["gone-1"], by: Self.operatorVisitor)
      #expect(result.count == 1 && result.problem?.contains("a-queue-no-more") == true)
      let entry = try #require(fixture.console.audit.latest().first { $0.action == "restore" })
      #expect(entry.details["restored"] == "1" && entry.details["problem"] != nil)
    }
  }

  @Test("files that are older than two weeks are removed also where nobody lists them")
  func oldFiles() async throws {
    let fixture = try ConsoleFixture()
    try FileManager.default.createDirectory(
      atPath: fixture.folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    let names = ["discarded-2020-01-01.jsonl", "restored-2020-01-01.txt"].map { "\(fixture.folder)/\($0)" }
    for name in names { try "x".write(toFile: name, atomically: false, encoding: .utf8) }
    let deadLetter = DeadLetter(ReceivedMessage(id: "1", receiptHandle: "", body: Array("{}".utf8)))
    try await fixture.console.deadLetters.discarded.keep([deadLetter], of: "prizes", by: "ana")
    #expect(names.allSatisfy { !FileManager.default.fileExists(atPath: $0) })
  }

  @Test("what was discarded can be restored for 14 days", arguments: [(13.9, 1), (14.1, 0)])
  func twoWeeks(days: Double, count: Int) async throws {
    let fixture = try ConsoleFixture()
    let time = Mutex(Date())
    let discarded = DiscardedDeadLetters(folder: fixture.folder) { time.withLock { $0 } }
    let deadLetter = DeadLetter(ReceivedMessage(id: "1", receiptHandle: "", body: Array("{}".utf8)))
    try await discarded.keep([deadLetter], of: "prizes", by: "ana")
    time.withLock { $0.addTimeInterval(days * 86_400) }
    #expect(try await discarded.list().count == count)
    #expect(try await discarded.find(["1"]).count == count)
  }

  @Test("a list keeps bodies up to its limit, and all messages")
  func heldBodies() {
    var snapshot = DeadLetterSnapshot(queue: "prizes", deadLetterQueue: "prizes-dlq", memoryLimit: 1000)
    for number in 1...5 {
      let message = ReceivedMessage(id: "\(number)", receiptHandle: "", body: [UInt8](repeating: 65, count: 400))
      snapshot.add([DeadLetter(message)])
    }
    #expect(snapshot.deadLetters.map { $0.deadLetter != nil } == [true, true, false, false, false])
  }

  @Test("a plan that is older than an hour is not carried out")
  func oldPlans() throws {
    let plans = Plans()
    var plan = Plan(action: .discard, queue: "prizes", ids: ["1"], selection: "1 by id", user: "ana")
    plan.time = Date().addingTimeInterval(-3601)
    plans.add(plan)
    #expect(throws: ConsoleError.self) { try plans.find(plan.id) }
    #expect(throws: ConsoleError.self) { try plans.take(plan.id) }
  }

  @Test("jobs that run are limited, and an old plan takes no room")
  func runningJobs() throws {
    let jobs = Jobs()
    let plan = Plan(action: .discard, queue: "prizes", ids: ["1"], selection: "1 by id", user: "ana")
    let running = (0..<Jobs.runningLimit).map { _ in Job(plan, user: "ana") }
    for job in running { try jobs.add(job) }
    #expect(throws: ConsoleError.self) { try jobs.add(Job(plan, user: "ana")) }
    running[0].state.update { $0.phase = .done }
    try jobs.add(Job(plan, user: "ana"))
  }

  @Test("of large jobs fewer are kept")
  func largeJobs() throws {
    let jobs = Jobs()
    let ids = (0..<DeadLetterSnapshot.deadLetterLimit).map(String.init)
    let large = Plan(action: .discard, queue: "prizes", ids: ids, selection: "all", user: "ana")
    let all = (0..<6).map { _ in Job(large, user: "ana") }
    for job in all {
      try jobs.add(job)
      job.state.update { $0.phase = .done }
    }
    #expect(jobs.all.map(\.id) == all.suffix(4).reversed().map(\.id))
  }

  @Test("a body that SQS would refuse is refused when it is planned")
  func tooLarge() async throws {
    let fixture = try ConsoleFixture()
    try await fixture.running {
      fixture.deadLetters.put(body: Array(#"{"eventType":"X"}"#.utf8))
      let id = try #require(try await fixture.refresh().first)
      let form = [("body", String(repeating: "x", count: (1 << 20) + 1)), ("as", "same")]
      #expect(try await fixture.request(.post, "/dead-letters/prizes/\(id)/edit", form: form).status == 400)
    }
  }

  @Test(
    "a body that is edited and not changed comes back byte for byte",
    arguments: [
      "{\n\t\"eventType\": \"X\",\n\t\"quantity\": 1\n}", "{\r\n\t\"eventType\": \"X\"\r\n}",
      "\n{\"eventType\":\"X\"}\n",
      "no\tJSON\r\nat all", "{\"eventType\":\"X\",\"name\":\"a\u{202E}b\"}", "\u{7F}raw",
    ])
  func unchanged(body: String) async throws {
    let fixture = try ConsoleFixture()
    try await fixture.running {
      fixture.deadLetters.put(body: Array(body.utf8))
      let id = try #require(try await fixture.refresh().first)
      let page = try await fixture.request(.get, "/dead-letters/prizes/\(id)").body
      let area = try #require(page.firstMatch(of: /<textarea[^>]*>\n([^<]*)<\/textarea>/)).output.1
      let shown = Self.unescaped(String(area))
      // As a browser sends it.
      let sent = shown.replacing("\r\n", with: "\n").replacing("\n", with: "\r\n")
      let form = [("body", sent), ("as", "same")]
      let answer = try await fixture.request(.post, "/dead-letters/prizes/\(id)/edit", form: form)
      let plan = try #require(answer.headers[.location]).dropFirst("/plans/".count)
      let edit = try #require(fixture.console.deadLetters.plans.find(String(plan)).edit)
      #expect(Array(edit.body.utf8) == Array(body.utf8))
    }
  }

  @Test("a change leaves tabs and line breaks as they are")
  func changed() throws {
    let tabs = try #require(EditableBody("{\n\t\"a\": 1\n}"))
    #expect(tabs.body(of: "{\r\n\t\"a\": 2\r\n}") == "{\n\t\"a\": 2\n}")
    let windows = try #require(EditableBody("{\r\n\t\"a\": 1\r\n}"))
    #expect(Array(windows.body(of: "{\r\n\t\"a\": 2\r\n}").utf8) == Array("{\r\n\t\"a\": 2\r\n}".utf8))
    #expect(EditableBody("nul\u{0}") == nil)
  }

  private static func unescaped(_ text: String) -> String {
    text.replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&quot;", with: "\"")
      .replacing("&#39;", with: "'").replacing("&amp;", with: "&")
  }

  @Test("a body that layout would blow up is shown as it is")
  func layoutIsBounded() {
    let deep = String(repeating: "[", count: 50)
    let text = deep + String(repeating: "1,", count: 500_000) + "1" + String(repeating: "]", count: 50)
    #expect(JSONLayout.indented(text) == nil)
    #expect(JSONLayout.indented("[[1]]") != nil)
  }
}
