import Foundation
import Logging
import WorkerKit

/// Carries a plan out: receives the dead letters that it names, and no others, and redrives or discards them.
struct JobRunner: Sendable {
  /// Ends the reading of dead letters.
  private struct Stop: Error {
    var phase: Job.Phase
  }

  /// How long it is waited for what becomes of a stage's events: others may handle them, who do not say.
  private static let patience = Duration.seconds(5)
  /// How often the queue is read for dead letters that were not received before the visibility timeout ended, or that
  /// others had received.
  private static let passes = 3
  private static let pause = Duration.seconds(2)

  let job: Job
  let inventory: DeadLetterInventory
  let inventories: DeadLetterInventories
  let audit: AuditLog

  func run() async {
    let phase: Job.Phase
    do {
      phase = try await withThrowingTaskGroup(of: Job.Phase.self) { group in
        group.addTask { try await inventory.inTurn { try await perform() } }
        group.addTask {
          try await job.untilAborted()
          return .aborted
        }
        let first = try await group.next() ?? .aborted
        group.cancelAll()
        // What was begun is finished, and dead letters are given back.
        while (await group.nextResult()) != nil {}
        return first
      }
    } catch is CancellationError {
      phase = .stopped("The worker stopped.")
    } catch {
      phase = .stopped("\((error as? ConsoleError)?.detail ?? "\(error)")")
    }
    let (gone, left) = job.state.read { ($0.gone, $0.left) }
    record(
      job.plan.ids.filter { !gone.contains($0) && !left.contains($0) }.map {
        Job.Result(id: $0, outcome: "notTried", detail: "the job ended before it", newID: nil, isGone: false)
      })
    let state = job.state.update { state in
      state.phase = phase
      state.end = Date()
      return state
    }
    var details = [
      "queue": job.plan.queue, "selection": job.plan.selection, "deadLetters": "\(job.plan.ids.count)",
      "gone": "\(state.gone.count)",
      "left": "\(state.left.count)",
    ]
    if state.failed > 0 { details["failedAgain"] = "\(state.failed)" }
    await audit.add(job.user, "\(job.plan.action.rawValue): \(phase.words)", details: details)
  }

  private func perform() async throws -> Job.Phase {
    job.state.update { $0.phase = .running }
    let deadLetters = try await inventory.deadLetterQueue()
    let purpose: DeadLetterAction.Purpose = job.plan.action == .redrive ? .redrive(to: inventory.queue) : .discard
    var action = DeadLetterAction(purpose, from: deadLetters, edit: job.plan.edit) { inventories.prospect(of: $0) }
    let timeouts = inventories.source.routes.routes.map(\.timeout)
    var stages = RedriveStages(patience: (timeouts.max() ?? .zero) + Self.patience)
    var remaining = Set(job.plan.ids)
    for pass in 1...Self.passes where !remaining.isEmpty {
      var filter = DeadLetterFilter()
      filter.queue = inventory.queue.name
      filter.ids = remaining
      filter.deadLetterIDs = remaining
      let visit = await DeadLetterReader(deadLetters, filter: filter).read { batch in
        remaining.subtract(batch.map(\.id))
        return try await handle(batch, &action, &stages)
      }
      // Those of a batch that it did not get to are still there.
      inventory.forget(job.state.read(\.gone))
      if case .failed(let stop as Stop) = visit.end { return stop.phase }
      if case .failed(let error) = visit.end { throw error }
      try Task.checkCancellation()
      if case .tookTooLong = visit.end { continue }
      // Another process that looks at them has them for a moment.
      guard pass < Self.passes, !remaining.isEmpty, try await deadLetters.attributes().messagesInFlight > 0 else {
        break
      }
      try await WorkerClock.continuous.sleep(for: Self.pause)
    }
    if !remaining.isEmpty {
      record(
        remaining.sorted().map {
          Job.Result(
            id: $0, outcome: "notFound", detail: "it is gone, or in flight elsewhere", newID: nil, isGone: false)
        })
    }
    if job.plan.action == .redrive, !stages.awaited.isEmpty { try await awaitStage(&stages) }
    return .done
  }

  /// - Returns: the ids of those that are gone.
  private func handle(
    _ batch: [DeadLetter], _ action: inout DeadLetterAction, _ stages: inout RedriveStages
  ) async throws -> Set<String> {
    guard job.plan.action == .redrive else {
      if let problem = await keep(batch) { throw Stop(phase: .stopped(problem)) }
      let gone = try await action(batch)
      record(action.takeOutcomes().map(Job.Result.init))
      // Those that could not be deleted are no discarded ones: a restore would make a second of each.
      let stayed = batch.map(\.id).filter { !gone.contains($0) }
      if !stayed.isEmpty { try await inventories.discarded.markRestored(stayed).get() }
      return gone
    }
    var gone: Set<String> = []
    var rest = batch[...]
    while !rest.isEmpty {
      try Task.checkCancellation()
      let part = Array(rest.prefix(stages.room))
      rest = rest.dropFirst(part.count)
      job.state.update { [size = stages.size] in $0.stage = "\(Format.number(size)) at a time" }
      do {
        gone.formUnion(try await action(part))
      } catch {
        record(action.takeOutcomes().map(Job.Result.init))
        throw error
      }
      let results = action.takeOutcomes().map(Job.Result.init)
      record(results)
      stages.add(results.compactMap(\.newID))
      if stages.isFull { try await awaitStage(&stages) }
    }
    return gone
  }

  /// Writes dead letters to the disk before they are deleted.
  ///
  /// - Returns: why that cannot be done.
  private func keep(_ batch: [DeadLetter]) async -> String? {
    guard !batch.isEmpty else { return nil }
    do {
      try await inventories.discarded.keep(batch, of: inventory.queue.name, by: job.user)
      return nil
    } catch {
      return """
        Nothing more was discarded, because it could not be kept for a restore: \(error). To delete without that: \
        \(inventories.source.command) dead-letters discard
        """
    }
  }

  /// Waits for what becomes of the stage's events, and of earlier ones that are not known yet.
  ///
  /// - Throws: a ``Stop`` where one of them failed again.
  private func awaitStage(_ stages: inout RedriveStages) async throws {
    let awaited = stages.awaited
    let found = await inventories.flow.outcomes(of: awaited, within: Self.patience)
    stages.beginNext(resolved: found.keys, at: WorkerClock.continuous.now)
    let failed = awaited.compactMap { found[$0] }.first { $0.outcome.isFailure }
    job.state.update { state in
      for index in state.results.indices {
        guard let id = state.results[index].newID, let event = found[id] else { continue }
        state.results[index].handling = event.outcome
        state.results[index].problem = event.problem
      }
      state.failed += found.values.count { $0.outcome.isFailure }
      state.handled += found.values.count { !$0.outcome.isFailure }
    }
    if let failed {
      throw Stop(
        phase: .stopped(
          "One failed again; fix that, and redrive the rest: \(failed.kind ?? ""): \(failed.problem ?? "")"))
    }
  }

  private func record(_ results: [Job.Result]) {
    guard !results.isEmpty else { return }
    job.state.update { state in
      state.gone.formUnion(results.lazy.filter(\.isGone).map(\.id))
      state.left.formUnion(results.lazy.filter { !$0.isGone }.map(\.id))
      state.left.subtract(state.gone)
      state.results += results
    }
  }
}

extension Job.Result {
  init(_ outcome: DeadLetterOutcome) {
    id = outcome.id
    isGone = outcome.isGone
    switch outcome.result {
    case .planned: self.outcome = "planned"
    case .discarded: self.outcome = "discarded"
    case .redriven(let new):
      self.outcome = "redriven"
      newID = new
    case .notDeleted(let new, let error):
      self.outcome = "notDeleted"
      newID = new
      detail =
        "it was sent, and could not be deleted here: \(error); redrive or discard it again, which grants nothing twice"
    case .cameBack:
      self.outcome = "cameBack"
      detail = "its event was redriven a moment ago and is here again: it failed once more, or this is a copy"
    case .left(let reason):
      self.outcome = "left"
      detail = reason
    }
  }
}

extension Job.Phase {
  var words: String {
    switch self {
    case .waiting: "waits for its turn"
    case .running: "runs"
    case .done: "done"
    case .stopped: "stopped"
    case .aborted: "aborted"
    }
  }
}
