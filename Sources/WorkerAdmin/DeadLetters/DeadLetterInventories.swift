import Foundation
import WorkerKit
import WorkerLocks

/// The dead letter inventories of all queues, and what is done with their dead letters.
final class DeadLetterInventories: Sendable {
  let flow: FlowRecorder
  let work: BackgroundWork
  let source: ConsoleSource
  let plans = Plans()
  let jobs = Jobs()
  let discarded: DiscardedDeadLetters
  /// Restores, one at a time: each checks what the one before has restored.
  let restores = AsyncSemaphore(1)
  private let limits: ConsoleLimits
  private let inventories = Mutex<[String: DeadLetterInventory]>([:])

  init(_ source: ConsoleSource, flow: FlowRecorder, work: BackgroundWork, folder: String, limits: ConsoleLimits) {
    self.limits = limits
    self.source = source
    self.flow = flow
    self.work = work
    discarded = DiscardedDeadLetters(folder: folder)
  }

  var all: [DeadLetterInventory] {
    let queues = source.queues()
    return inventories.withLock { inventories in
      queues.map { queue in
        let inventory = inventories[queue.name] ?? DeadLetterInventory(queue, work: work, limits: limits)
        inventories[queue.name] = inventory
        return inventory
      }
    }
  }

  /// - Throws: where no queue has the name; a 503 while the worker starts, when no queue is known.
  func inventory(_ name: String?) throws(ConsoleError) -> DeadLetterInventory {
    let all = all
    guard let inventory = name.map({ name in all.first { $0.queue.name == name } }) ?? all.first else {
      throw all.isEmpty ? .starting : .notFound("No queue of this name is consumed here.")
    }
    return inventory
  }

  /// By route, handler and kind, as they were last seen.
  func counts() -> [ConsoleDeadLetters] {
    let groups = all.flatMap { $0.current.snapshot?.groups ?? [] }
    let counts = Dictionary(grouping: groups) {
      ConsoleDeadLetters(route: $0.route, handler: $0.handler, kind: $0.kind, count: 0)
    }
    return counts.map { key, groups in
      ConsoleDeadLetters(
        route: key.route, handler: key.handler, kind: key.kind, count: groups.reduce(0) { $0 + $1.count })
    }.sorted { ($0.route, $0.kind ?? "") < ($1.route, $1.kind ?? "") }
  }

  /// Why a dead letter that is redriven will fail again; nil where its handler decides.
  func prospect(of deadLetter: DeadLetter) -> String? {
    source.routes.refusal(of: deadLetter.message.body).map { ($0 as? EventError)?.message ?? "\($0)" }
  }
}
