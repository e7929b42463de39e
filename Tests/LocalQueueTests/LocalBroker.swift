import Foundation
import GRDB
import Logging
import Synchronization

@testable import LocalQueue

/// The commit loop on a database of its own, with a clock that the test turns; without HTTP around it.
final class LocalBroker: Sendable {
  let loop: CommitLoop
  private let clock: Clock

  private init(_ database: DatabaseQueue, time: Milliseconds) {
    let clock = Clock(time)
    loop = CommitLoop(
      database: QueueDatabase(database), account: "000000000000", clock: { clock.now },
      logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    self.clock = clock
  }

  /// A time of day that stands still until a test moves it.
  private final class Clock: Sendable {
    private let time: Atomic<Milliseconds>

    init(_ time: Milliseconds) { self.time = Atomic(time) }

    var now: Milliseconds { time.load(ordering: .sequentiallyConsistent) }

    func advance(by milliseconds: Milliseconds) { time.add(milliseconds, ordering: .sequentiallyConsistent) }
  }

  /// Runs a body beside the loop; several times on one database are restarts.
  static func with(
    _ database: DatabaseQueue, at time: Milliseconds = 1_800_000_000_000, _ body: (LocalBroker) async throws -> Void
  ) async throws {
    let broker = LocalBroker(database, time: time)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await broker.loop.run() }
      do {
        try await body(broker)
      } catch {
        broker.loop.close()
        throw error
      }
      broker.loop.close()
      try await group.waitForAll()
    }
  }

  /// In memory.
  static func makeDatabase() throws -> DatabaseQueue {
    let database = try DatabaseQueue()
    try Schema.migrator.migrate(database)
    return database
  }

  /// Moves the time, and lets the loop see that.
  func advance(bySeconds seconds: Int) async throws {
    clock.advance(by: .seconds(seconds))
    _ = try await perform(ListQueues())
  }

  @discardableResult
  func perform(_ operation: any LocalQueue.Operation) async throws -> JSONValue {
    try await loop.perform(
      operation,
      for: Caller(
        region: "us-east-1", endpoint: "http://localhost", isConnected: { true }))
  }

  func createQueue(_ name: String, _ attributes: [String: String] = [:]) async throws {
    try await perform(CreateQueue(QueueName: name, Attributes: attributes))
  }

  func send(_ body: String, to queue: String, group: String? = nil, deduplicationID: String? = nil) async throws
    -> String
  {
    let answer = try await perform(
      SendMessage(
        QueueUrl: queue, MessageBody: body, MessageDeduplicationId: deduplicationID, MessageGroupId: group))
    return answer["MessageId"]?.text ?? ""
  }

  /// What a receive of up to ten gives.
  func receive(from queue: String, wait: Int? = nil) async throws -> [JSONValue] {
    let answer = try await perform(
      ReceiveMessage(
        QueueUrl: queue, MaxNumberOfMessages: 10, WaitTimeSeconds: wait, MessageSystemAttributeNames: ["All"]))
    return answer["Messages"]?.elements ?? []
  }

  /// Begins a receive that waits; returns when it waits.
  func startWaiting(on queue: String) async -> Task<JSONValue, any Error> {
    let (hasRun, signal) = AsyncStream<Void>.makeStream()
    let operation = SignallingReceive(
      receive: ReceiveMessage(QueueUrl: queue, WaitTimeSeconds: 20), onRun: { signal.finish() })
    let task = Task { try await self.perform(operation) }
    for await _ in hasRun {}
    return task
  }

  /// Visible, in flight, delayed.
  func counts(_ queue: String) async throws -> [Int] {
    let names = ["", "NotVisible", "Delayed"].map { "ApproximateNumberOfMessages\($0)" }
    let answer = try await perform(GetQueueAttributes(QueueUrl: queue, AttributeNames: names))
    return names.map { Int(answer["Attributes"]?[$0]?.text ?? "") ?? -1 }
  }
}

/// A receive that tells when its turn has come.
private struct SignallingReceive: LocalQueue.Operation {
  let receive: ReceiveMessage
  let onRun: @Sendable () -> Void

  init(receive: ReceiveMessage, onRun: @escaping @Sendable () -> Void) {
    self.receive = receive
    self.onRun = onRun
  }

  init(from decoder: any Decoder) throws {
    self.init(receive: try ReceiveMessage(from: decoder), onRun: {})
  }

  func run(in broker: Broker, for caller: Caller) throws -> Outcome {
    defer { onRun() }
    return try receive.run(in: broker, for: caller)
  }
}

extension JSONValue {
  subscript(name: String) -> JSONValue? {
    if case .object(let members) = self { members.first { $0.name == name }?.value } else { nil }
  }

  var text: String? {
    if case .string(let text) = self { text } else { nil }
  }

  var elements: [JSONValue]? {
    if case .array(let elements) = self { elements } else { nil }
  }
}
