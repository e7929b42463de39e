import Foundation
import WorkerKit
import WorkerLocks

/// What a queue was like at one moment.
struct QueueSample: Sendable, Encodable {
  var time: Date
  /// Visible, in flight and delayed; nil where the queue did not say.
  var visible: Int?
  var inFlight: Int?
  var delayed: Int?
  var deadLetters: Int?
  /// Events handled in a second, since the sample before.
  var throughput: Double
  /// The share of attempts that failed, from 0 to 1; nil where there were none.
  var errorRate: Double?
  /// In seconds: of the events that began since the sample before, how long the oldest had been in the queue.
  var oldestAge: Double?
  var busy: Int
  var slots: Int
}

/// One queue at one moment, and what led there.
struct QueueSnapshot: Sendable {
  var status: ConsumerStatus
  var now: QueueSample
  /// The samples of the last hour.
  var hour: [QueueSample]
  /// Why the queue's depth is unknown.
  var problem: String?
}

/// The queues' last hour, a sample every ten seconds; and their depths, read when a page needs them.
final class QueueHistory: Sendable {
  static let interval = Duration.seconds(10)
  /// Of an hour.
  static let capacity = 360
  /// How old a depth may be while a page is open, and while none is.
  private static let freshness = Duration.seconds(4)
  private static let idleFreshness = Duration.seconds(30)
  private static let patience = Duration.seconds(3)

  private struct Depth {
    var attributes: QueueAttributes?
    var deadLetters: Int?
    var time: Duration
    var problem: String?
  }

  private struct State {
    var samples: [String: [QueueSample]] = [:]
    var counts: [String: FlowRecorder.QueueCounts] = [:]
    var sampledAt: Duration?
    var depths: [String: Depth] = [:]
    var asking: Set<String> = []
    var viewedAt: Duration?
  }

  private let source: ConsoleSource
  private let flow: FlowRecorder
  private let clock: WorkerClock
  private let state = Mutex(State())

  init(_ source: ConsoleSource, flow: FlowRecorder, clock: WorkerClock = .continuous) {
    self.source = source
    self.flow = flow
    self.clock = clock
  }

  /// Samples until it is cancelled.
  func run() async throws {
    while true {
      await refreshDepths()
      sample()
      try await clock.sleep(for: Self.interval)
    }
  }

  /// Records that a page is open, and reads depths that are too old for that.
  func refresh() async {
    let now = clock.now
    state.withLock { $0.viewedAt = now }
    await refreshDepths()
  }

  /// By queue, the samples of the last hour and the state now.
  func snapshot() -> [QueueSnapshot] {
    let statuses = source.consumers()
    let counts = flow.queueCounts(isSample: false)
    let now = clock.now
    let date = Date()
    return state.withLock { state in
      statuses.map { status in
        let hour = state.samples[status.queue] ?? []
        var sample = Self.sample(status, counts[status.queue], in: state, now: now, date: date)
        // A moment ago nothing can be said of a rate.
        if let last = hour.last, state.sampledAt.map({ now - $0 < .seconds(2) }) ?? false {
          (sample.throughput, sample.errorRate) = (last.throughput, last.errorRate)
        }
        if sample.oldestAge == nil { sample.oldestAge = hour.last?.oldestAge }
        return QueueSnapshot(
          status: status, now: sample, hour: hour, problem: state.depths[status.queue]?.problem)
      }
    }
  }

  private func sample() {
    let statuses = source.consumers()
    let counts = flow.queueCounts(isSample: true)
    let now = clock.now
    let date = Date()
    state.withLock { state in
      for status in statuses {
        let sample = Self.sample(status, counts[status.queue], in: state, now: now, date: date)
        var samples = state.samples[status.queue] ?? []
        if samples.count >= Self.capacity { samples.removeFirst(samples.count - Self.capacity + 1) }
        samples.append(sample)
        state.samples[status.queue] = samples
      }
      state.counts = counts
      state.sampledAt = now
    }
  }

  private static func sample(
    _ status: ConsumerStatus, _ counts: FlowRecorder.QueueCounts?, in state: State, now: Duration, date: Date
  ) -> QueueSample {
    let before = state.counts[status.queue] ?? .init()
    let handled = (counts?.handled ?? 0) - before.handled
    let failed = (counts?.failed ?? 0) - before.failed
    let seconds = state.sampledAt.map { (now - $0).inSeconds } ?? interval.inSeconds
    let depth = state.depths[status.queue]
    return QueueSample(
      time: date, visible: depth?.attributes?.visibleMessages, inFlight: depth?.attributes?.messagesInFlight,
      delayed: depth?.attributes?.delayedMessages, deadLetters: depth?.deadLetters,
      throughput: seconds > 0 ? Double(handled) / seconds : 0,
      errorRate: handled + failed > 0 ? Double(failed) / Double(handled + failed) : nil,
      oldestAge: counts?.oldest, busy: status.busy, slots: status.slots)
  }

  private func refreshDepths() async {
    let now = clock.now
    let due = state.withLock { state in
      let isWatched = state.viewedAt.map { now - $0 < .seconds(15) } ?? false
      let limit = isWatched ? Self.freshness : Self.idleFreshness
      let due = source.queues().filter { queue in
        !state.asking.contains(queue.name) && (state.depths[queue.name].map { now - $0.time >= limit } ?? true)
      }
      state.asking.formUnion(due.map(\.name))
      return due
    }
    await withTaskGroup(of: Void.self) { group in
      for queue in due { group.addTask { await self.ask(queue) } }
    }
  }

  private func ask(_ queue: any MessageQueue) async {
    let answer = Mutex<(QueueAttributes?, Int?, String?)>((nil, nil, nil))
    let isAnswered = await clock.isMet(within: Self.patience) {
      do {
        let attributes = try await queue.attributes()
        answer.withLock { $0.0 = attributes }
        guard let deadLetters = try await queue.deadLetterQueue()?.attributes() else { return }
        answer.withLock {
          $0.1 = deadLetters.visibleMessages + deadLetters.messagesInFlight + deadLetters.delayedMessages
        }
      } catch {
        let problem = "\(QueueError(wrapping: error))"
        answer.withLock { $0.2 = problem }
      }
    }
    let (attributes, deadLetters, problem) = answer.withLock { $0 }
    state.withLock { state in
      state.asking.remove(queue.name)
      state.depths[queue.name] = Depth(
        attributes: attributes, deadLetters: deadLetters, time: clock.now,
        problem: problem ?? (isAnswered ? nil : "the queue has not said within 3 s how much it holds"))
    }
  }
}
