import InMemoryTracing
import TestSupport
import Testing
import Tracing
import WorkerLocks
import WorkerTesting

@testable import WorkerKit

@Suite("Batches of events", .timeLimit(.minutes(20)))
struct EventBatcherTests {
  typealias Outcome = Result<Void, any Error>

  let calls = Record<[Int]>()
  let gate = Gate()

  /// Events are distinguished by their `times`.
  func batcher(
    limit: Int = 3, _ body: @escaping @Sendable ([Int]) async throws -> [Outcome] = { $0.map { _ in .success(()) } }
  ) -> EventBatcher<Greeting> {
    EventBatcher(
      BatchClosureHandler(batchLimit: limit) { [calls, gate] batch in
        let numbers = batch.map(\.event.times)
        calls.add(numbers)
        try await gate.pass()
        return try await body(numbers)
      })
  }

  func submit(_ number: Int, to batcher: EventBatcher<Greeting>) async -> Outcome {
    do {
      return .success(
        try await batcher.handle(
          EventDelivery(
            Greeting(name: "Ada", times: number),
            context: HandlerContext(eventType: "GREETED", messageID: "m-\(number)", logger: quietLogger))))
    } catch {
      return .failure(error)
    }
  }

  /// Adds events one at a time, so that their order is known, once the first call is running.
  func submit(_ numbers: ClosedRange<Int>, to batcher: EventBatcher<Greeting>) async throws -> [Task<Outcome, Never>] {
    var tasks: [Task<Outcome, Never>] = []
    for number in numbers {
      tasks.append(Task { await submit(number, to: batcher) })
      if number == numbers.lowerBound {
        try await gate.untilArrived()
      } else {
        try await yieldUntil { batcher.waitingCount == tasks.count - 1 }
      }
    }
    return tasks
  }

  @Test("the first event is handed over at once, and events that arrive meanwhile form the next batches")
  func gathers() async throws {
    let batcher = batcher()
    let tasks = try await submit(1...6, to: batcher)
    gate.open()
    for task in tasks { try await task.value.get() }
    #expect(calls.all == [[1], [2, 3, 4], [5, 6]])
    // Nothing remains for a later event.
    try await submit(7, to: batcher).get()
    #expect(calls.all.last == [7])
  }

  @Test("each event gets its own outcome, and a thrown error is every event's")
  func outcomes() async throws {
    let batcher = batcher { numbers in
      guard !numbers.contains(5) else { throw EventError(.unavailable, "down") }
      return numbers.map { $0 == 3 ? .failure(EventError(.conflict, "no")) : .success(()) }
    }
    let tasks = try await submit(1...6, to: batcher)
    gate.open()
    var kinds: [ErrorKind?] = []
    for task in tasks { kinds.append((await task.value.failure as? EventError)?.kind) }
    #expect(kinds == [nil, nil, .conflict, nil, .unavailable, .unavailable])
  }

  @Test("a wrong number of outcomes fails every event, and the error names the handler", arguments: [0, 2, 4])
  func wrongCount(count: Int) async throws {
    let batcher = batcher { numbers in
      Array(repeating: .success(()), count: numbers == [1] ? 1 : count)
    }
    let tasks = try await submit(1...4, to: batcher)
    gate.open()
    try await tasks[0].value.get()
    for task in tasks.dropFirst() {
      let error = try #require(await task.value.failure as? EventError)
      #expect(error.kind == .unexpected)
      #expect(error.message.contains("BatchClosureHandler returned \(count) outcomes for a batch of 3 events"))
    }
  }

  @Test("an event that is cancelled while it waits is not handed over")
  func cancelledWhileWaiting() async throws {
    let batcher = batcher()
    let tasks = try await submit(1...3, to: batcher)
    tasks[1].cancel()
    #expect(await tasks[1].value.failure is CancellationError)
    gate.open()
    try await tasks[0].value.get()
    try await tasks[2].value.get()
    #expect(calls.all == [[1], [3]])
  }

  @Test("an event that is cancelled before it arrives is not handed over")
  func cancelledBefore() async throws {
    let batcher = batcher()
    gate.open()
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return await submit(1, to: batcher)
    }
    #expect(await task.value.failure is CancellationError)
    #expect(calls.all.isEmpty)
  }

  /// The first event of a batch is its leader.
  @Test(
    "a call continues while one of its events is not cancelled, and all events get its outcome", arguments: 1...3)
  func cancelledLater(cancelled: Int) async throws {
    let later = Gate()
    let batcher = batcher { numbers in
      if numbers != [1] { try await later.pass() }
      return numbers.map { $0 == 3 ? .failure(EventError(.conflict, "no")) : .success(()) }
    }
    let tasks = try await submit(1...4, to: batcher)
    gate.open()
    try await later.untilArrived()
    tasks[cancelled].cancel()
    later.open()
    for index in [0, 1, 3] { try await tasks[index].value.get() }
    #expect((await tasks[2].value.failure as? EventError)?.kind == .conflict)
  }

  @Test("a call is cancelled when all of its events are, and the next one starts")
  func allCancelled() async throws {
    let later = Gate()
    let batcher = batcher { numbers in
      if numbers == [2, 3, 4] { try await later.pass() }
      return numbers.map { _ in .success(()) }
    }
    let tasks = try await submit(1...5, to: batcher)
    gate.open()
    try await later.untilArrived()
    for task in tasks[1...3] { task.cancel() }
    for task in tasks[1...3] { #expect(await task.value.failure is CancellationError) }
    try await tasks[0].value.get()
    try await tasks[4].value.get()
    #expect(calls.all == [[1], [2, 3, 4], [5]])
  }

  @Test("several events are handled in a separate trace that links to each, and a single event in its own trace")
  func traces() async throws {
    let tracer = InMemoryTracer()
    try await withTracer(tracer) {
      let batcher = batcher { numbers in
        withSpan("work \(numbers)") { _ in }
        return numbers.map { _ in .success(()) }
      }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 1...3 {
          group.addTask {
            try await withSpan("event \(number)") { _ in try await submit(number, to: batcher).get() }
          }
          if number == 1 {
            try await gate.untilArrived()
          } else {
            try await yieldUntil { batcher.waitingCount == number - 1 }
          }
        }
        gate.open()
        try await group.waitForAll()
      }
    }
    let spans = Dictionary(uniqueKeysWithValues: tracer.finishedSpans.map { ($0.operationName, $0) })
    let alone = try #require(spans["work [1]"])
    #expect(alone.spanContext.parentSpanID == spans["event 1"]?.spanContext.spanID)
    let batch = try #require(spans["handle_batch"])
    #expect(batch.spanContext.parentSpanID == nil)
    #expect(batch.attributes.get("messaging.batch.message_count") == .int64(2))
    #expect(batch.attributes.get("worker.route") == .string("GREETED"))
    #expect(
      batch.links.map(\.context.inMemorySpanContext?.spanID)
        == [2, 3].map { spans["event \($0)"]?.spanContext.spanID })
    #expect(spans["work [2, 3]"]?.spanContext.parentSpanID == batch.spanContext.spanID)
  }

  /// A failure names its seed. To repeat it, add the seed to the list.
  @Test(
    "in any order of arrival, each event gets one outcome, that of its call",
    arguments: [1, 2, 3, SeededGenerator.drawnSeed])
  func anyOrder(seed: UInt64) async throws {
    struct Seen {
      var isCalled = false
      var outcomes: [Int: ErrorKind?] = [:]
    }
    final class Course: Sendable {
      private let random: Mutex<SeededGenerator>
      let seen = Mutex(Seen())

      init(seed: UInt64) {
        random = Mutex(SeededGenerator(seed: seed))
      }

      func draw(_ bound: Int) -> Int { random.withLock { Int.random(in: 0..<bound, using: &$0) } }
    }
    let course = Course(seed: seed)
    let limit = 5
    let batcher = EventBatcher<Greeting>(
      BatchClosureHandler(batchLimit: limit) { batch in
        course.seen.withLock { seen in
          #expect(!seen.isCalled, "two calls at once, seed \(seed)")
          seen.isCalled = true
        }
        #expect((1...limit).contains(batch.count), "seed \(seed)")
        for _ in 0..<course.draw(5) { await Task.yield() }
        let isThrowing = course.draw(8) == 0
        let outcomes = batch.map { delivery -> Outcome in
          let kind: ErrorKind? = isThrowing ? .unavailable : course.draw(4) == 0 ? .conflict : nil
          course.seen.withLock { seen in
            #expect(seen.outcomes.updateValue(kind, forKey: delivery.event.times) == nil, "twice, seed \(seed)")
          }
          return kind.map { .failure(EventError($0, "no")) } ?? .success(())
        }
        course.seen.withLock { $0.isCalled = false }
        if isThrowing { throw EventError(.unavailable, "down") }
        return outcomes
      })
    await withDiscardingTaskGroup { group in
      for number in 0..<500 {
        let event = Task { await submit(number, to: batcher) }
        if course.draw(4) == 0 {
          group.addTask {
            for _ in 0..<course.draw(6) { await Task.yield() }
            event.cancel()
          }
        }
        group.addTask {
          let failure = await event.value.failure
          let outcome = course.seen.withLock { $0.outcomes[number] }
          if let outcome {
            #expect((failure as? EventError)?.kind == outcome, "seed \(seed), event \(number)")
          } else {
            #expect(failure is CancellationError && event.isCancelled, "seed \(seed), event \(number)")
          }
        }
        if course.draw(3) == 0 { await Task.yield() }
      }
    }
    #expect(batcher.waitingCount == 0)
  }
}
