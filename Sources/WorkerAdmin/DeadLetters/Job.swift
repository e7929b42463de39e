import Foundation
import WorkerKit
import WorkerLocks

/// A plan that is carried out, and how far it is.
final class Job: Sendable {
  enum Phase: Sendable, Equatable {
    /// For its turn.
    case waiting
    case running
    case done
    /// It stopped by itself: why.
    case stopped(String)
    case aborted

    var isOver: Bool { self != .waiting && self != .running }
  }

  struct Result: Sendable {
    var id: String
    var outcome: String
    var detail: String?
    var newID: String?
    var isGone: Bool
    /// What became of the redriven event; nil where that is not known here.
    var handling: FlowEvent.Outcome?
    var problem: String?
  }

  struct State: Sendable {
    var phase = Phase.waiting
    /// One for each dead letter, in the order in which they were done.
    var results: [Result] = []
    /// The ids of those that are not dead letters any more.
    var gone: Set<String> = []
    /// The ids of those that stayed.
    var left: Set<String> = []
    /// Of redriven events, as far as this worker handled them.
    var handled = 0
    var failed = 0
    var stage = ""
    var end: Date?
  }

  let id = RandomToken.make()
  let plan: Plan
  /// Who confirmed it.
  let user: String
  let start = Date()
  let state = AsyncValue(State())
  private let isAborted = AsyncValue(false)

  init(_ plan: Plan, user: String) {
    self.plan = plan
    self.user = user
  }

  func abort() { isAborted.update { $0 = true } }
  var wasAborted: Bool { isAborted.value }
  func untilAborted() async throws { try await isAborted.wait { $0 } }
}

/// Those that run, and the last that did.
final class Jobs: Sendable {
  private static let capacity = 50
  /// How many dead letters may have a result, of all jobs together: those of four as large as one can be.
  static let resultCapacity = 4 * DeadLetterSnapshot.deadLetterLimit
  /// How many run or wait for their turn at most.
  static let runningLimit = 20
  private let jobs = Mutex<[Job]>([])

  /// The newest first.
  var all: [Job] { jobs.withLock { $0.reversed() } }

  /// - Throws: A `ConsoleError` if too many jobs run.
  func add(_ job: Job) throws(ConsoleError) {
    let isAdded = jobs.withLock { jobs in
      guard jobs.count(where: { !$0.state.value.phase.isOver }) < Self.runningLimit else { return false }
      jobs.append(job)
      while jobs.count > Self.capacity || jobs.reduce(0, { $0 + $1.plan.ids.count }) > Self.resultCapacity,
        let old = jobs.firstIndex(where: { $0.state.value.phase.isOver })
      {
        jobs.remove(at: old)
      }
      return true
    }
    guard isAdded else {
      throw .busy("\(Self.runningLimit) jobs run or wait for their turn. Wait until one is over, or abort one.")
    }
  }

  func remove(_ job: Job) {
    jobs.withLock { $0.removeAll { $0 === job } }
  }

  func find(_ id: String) throws(ConsoleError) -> Job {
    guard let job = jobs.withLock({ $0.first { $0.id == id } }) else {
      throw .notFound(
        "No job has this id. Jobs are kept while the worker runs, the last \(Self.capacity), or fewer where they were large."
      )
    }
    return job
  }
}
