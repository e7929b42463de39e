import Foundation
import TestSupport
import Testing
import WorkerKit
import WorkerLocks

@testable import WorkerSQS

@Suite("Keeping and renewing credentials", .timeLimit(.minutes(20)))
struct CredentialsChainTests {
  let harness: CredentialsHarness

  init() throws {
    harness = try CredentialsHarness()
  }

  /// Hands out what the test tells it, and counts how often it was asked.
  final class Scripted: CredentialsProvider {
    let name = "the script"
    let asked = AsyncValue(0)
    /// Every request waits here until the test opens it.
    let gate: Gate?
    private let answers: Mutex<[Result<Credentials?, QueueError>]>

    init(_ answers: Result<Credentials?, QueueError>..., gate: Gate? = nil) {
      self.answers = Mutex(answers)
      self.gate = gate
    }

    func credentials() async throws -> Credentials? {
      asked.update { $0 += 1 }
      try await gate?.pass()
      return try answers.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }.get()
    }
  }

  func credentials(_ id: String, lasting seconds: TimeInterval? = nil) -> Result<Credentials?, QueueError> {
    .success(
      Credentials(
        accessKeyID: id, secretAccessKey: "hush", sessionToken: "token",
        expiration: seconds.map { harness.now.addingTimeInterval($0) }))
  }

  let broken = Result<Credentials?, QueueError>.failure(
    QueueError(code: .credentialsUnavailable, kind: .unavailable, message: "out to lunch"))

  @Test("what does not expire is asked for once, until it is refused")
  func keeps() async throws {
    let provider = Scripted(credentials("A"), credentials("B"))
    let chain = harness.chain(provider)
    let first = try await chain.credentials()
    harness.advance(by: 1_000_000)
    #expect(try await chain.credentials() == first)
    #expect(provider.asked.value == 1)
    await chain.forget(first)
    #expect(try await chain.credentials().accessKeyID == "B")
    // Someone's request that was signed with the old ones is refused late.
    await chain.forget(first)
    #expect(try await chain.credentials().accessKeyID == "B")
    #expect(provider.asked.value == 2)
  }

  @Test("from 15 minutes before they expire, they are renewed in the background")
  func renewsAhead() async throws {
    let gate = Gate()
    let provider = Scripted(credentials("A", lasting: 3600), credentials("B", lasting: 7200), gate: gate)
    let chain = harness.chain(provider)
    gate.open()
    #expect(try await chain.credentials().accessKeyID == "A")
    harness.advance(by: 2699)
    #expect(try await chain.credentials().accessKeyID == "A")
    #expect(provider.asked.value == 1)
    harness.advance(by: 1)
    #expect(try await chain.credentials().accessKeyID == "A")
    try await provider.asked.wait { $0 == 2 }
    try await yieldUntil { try await chain.credentials().accessKeyID != "A" }
    #expect(provider.asked.value == 2)
  }

  @Test("in the last 5 minutes, callers wait for the new ones")
  func renewsInTime() async throws {
    let provider = Scripted(credentials("A", lasting: 3600), credentials("B", lasting: 7200))
    let chain = harness.chain(provider)
    #expect(try await chain.credentials().accessKeyID == "A")
    harness.advance(by: 3300)
    #expect(try await chain.credentials().accessKeyID == "B")
  }

  @Test("what lives for ten minutes is not renewed all the time")
  func shortLives() async throws {
    let provider = Scripted(credentials("A", lasting: 600), credentials("B", lasting: 1200))
    let chain = harness.chain(provider)
    _ = try await chain.credentials()
    harness.advance(by: 449)
    #expect(try await chain.credentials().accessKeyID == "A")
    #expect(provider.asked.value == 1)
    harness.advance(by: 101)
    #expect(try await chain.credentials().accessKeyID == "B")
  }

  @Test("a hundred callers share one request")
  func oneAtATime() async throws {
    let gate = Gate()
    let provider = Scripted(credentials("A", lasting: 3600), gate: gate)
    let chain = harness.chain(provider)
    try await withThrowingTaskGroup(of: String.self) { group in
      for _ in 1...100 {
        group.addTask { try await chain.credentials().accessKeyID }
      }
      try await gate.untilArrived()
      gate.open()
      for try await id in group { #expect(id == "A") }
    }
    #expect(provider.asked.value == 1)
  }

  @Test("a caller that is cancelled stops waiting at once, and takes the request from nobody")
  func cancellation() async throws {
    let gate = Gate()
    let provider = Scripted(credentials("A", lasting: 3600), gate: gate)
    let chain = harness.chain(provider)
    let impatient = Task { try await chain.credentials() }
    try await gate.untilArrived()
    let patient = Task { try await chain.credentials() }
    impatient.cancel()
    await #expect(throws: CancellationError.self) { try await impatient.value }
    gate.open()
    #expect(try await patient.value.accessKeyID == "A")
    #expect(provider.asked.value == 1)
  }

  @Test("while the renewal fails, valid ones are used on, and it is tried once a minute")
  func usesStaleOnes() async throws {
    let provider = Scripted(credentials("A", lasting: 3600), broken, broken, credentials("B", lasting: 7200))
    let chain = harness.chain(provider)
    _ = try await chain.credentials()
    harness.advance(by: 3400)
    for _ in 1...3 { #expect(try await chain.credentials().accessKeyID == "A") }
    #expect(provider.asked.value == 2)
    harness.advance(by: 59)
    #expect(try await chain.credentials().accessKeyID == "A")
    #expect(provider.asked.value == 2)
    harness.advance(by: 1)
    #expect(try await chain.credentials().accessKeyID == "A")
    // In the background now: the first failure was waited for, and that is enough.
    try await provider.asked.wait { $0 == 3 }
    harness.advance(by: 60)
    try await yieldUntil { try await chain.credentials().accessKeyID != "A" }
    #expect(provider.asked.value == 4)
    #expect(harness.warnings.count == 2)
    #expect(harness.warnings.allSatisfy { !$0.contains("hush") && $0.contains("out to lunch") })
  }

  @Test("once a renewal has failed, nobody waits for the next try while there are valid ones")
  func doesNotWaitTwice() async throws {
    let gate = Gate()
    gate.open()
    let provider = Scripted(credentials("A", lasting: 3600), broken, gate: gate)
    let chain = harness.chain(provider)
    _ = try await chain.credentials()
    harness.advance(by: 3400)
    #expect(try await chain.credentials().accessKeyID == "A")
    harness.advance(by: 60)
    gate.close()
    #expect(try await chain.credentials().accessKeyID == "A")
    try await gate.untilArrived(3)
    #expect(try await chain.credentials().accessKeyID == "A")
    gate.open()
  }

  @Test("what has expired is never used")
  func refusesExpiredOnes() async throws {
    let provider = Scripted(credentials("A", lasting: 3600), broken)
    let chain = harness.chain(provider)
    _ = try await chain.credentials()
    harness.advance(by: 3600)
    #expect(try await chain.error().message == "out to lunch")
  }

  @Test("what is handed out expired is refused, and the error says when it did")
  func expiredAtOnce() async throws {
    let error = try await harness.chain(Scripted(credentials("A", lasting: -60))).error()
    #expect(error.code == .credentialsUnavailable)
    #expect(error.message.contains("the script expired at \(harness.time(in: -60))"))
  }

  @Test("a place that has something broken ends the search")
  func brokenPlace() async throws {
    let next = Scripted(credentials("B"))
    #expect(try await harness.chain(Scripted(broken), next).error().message == "out to lunch")
    #expect(next.asked.value == 0)
    #expect(try await harness.chain(Scripted(.success(nil)), next).credentials().accessKeyID == "B")
  }

  @Test("printing them shows no secret, and neither does the log")
  func secrets() async throws {
    let found = try await harness.chain(Scripted(credentials("AKID", lasting: 3600))).credentials()
    let printed = "\(found) \(String(reflecting: found)) \(harness.logged)"
    #expect(printed.contains("AKID"))
    #expect(!printed.contains("hush") && !printed.contains("token"))
  }
}
