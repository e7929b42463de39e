import Foundation
import WorkerKit

extension Console {
  /// Begins a refresh of the list. Each dead letter is received once, so that is an action.
  func refresh(_ inventory: DeadLetterInventory, despiteRedrivePolicy: Bool = false, by visitor: Visitor) async {
    guard inventory.refresh(despiteRedrivePolicy: despiteRedrivePolicy) else { return }
    await audit.add(
      visitor.name, despiteRedrivePolicy ? "refresh despite the redrive policy" : "refresh",
      details: ["queue": inventory.queue.name])
  }

  /// Returns a dead letter with its body. If the list did not keep it, it is received, so that is an action.
  ///
  /// - Throws: A `ConsoleError` if there is no such dead letter, if who asks may not cause a receive, or if that takes too long.
  func openDeadLetter(_ id: String, in inventory: DeadLetterInventory, for request: ConsoleRequest) async throws
    -> DeadLetter
  {
    if let kept = try inventory.kept(id) { return kept }
    guard request.mayReceive else {
      throw ConsoleError.forbidden(
        "The list did not keep this body. To show it is a receive, which takes an operator on a page of the console.")
    }
    await audit.add(request.visitor.name, "receive", details: ["queue": inventory.queue.name, "deadLetter": id])
    return try await inventory.received(id)
  }

  /// Carries out a plan that was confirmed.
  ///
  /// - Throws: A `ConsoleError` if the plan is too old, or if too many jobs run.
  func begin(_ id: String, by visitor: Visitor) async throws -> Job {
    let plan = try deadLetters.plans.find(id)
    let inventory = try deadLetters.inventory(plan.queue)
    let job = Job(plan, user: visitor.name)
    try deadLetters.jobs.add(job)
    do {
      // Of two operators who confirm a plan, one succeeds.
      _ = try deadLetters.plans.take(id)
    } catch {
      deadLetters.jobs.remove(job)
      throw error
    }
    await audit.add(
      visitor.name, "\(plan.action.rawValue) confirmed",
      details: ["queue": plan.queue, "selection": plan.selection, "deadLetters": "\(plan.ids.count)"])
    let runner = JobRunner(job: job, inventory: inventory, inventories: deadLetters, audit: audit)
    work.begin { await runner.run() }
    return job
  }

  /// Puts discarded dead letters back into their dead-letter queues. Of two operators who restore the same one, one does.
  ///
  /// - Returns: How many were restored, and why the first of the others was not.
  func restore(_ ids: [String], by visitor: Visitor) async throws -> (count: Int, problem: String?) {
    try await deadLetters.restores.run {
      let found = try await deadLetters.discarded.find(Set(ids))
      guard !found.isEmpty else {
        throw ConsoleError.conflict("None of these dead letters is kept: each was restored, or is too old.")
      }
      var count = 0
      var problem: String?
      for (queue, discarded) in Dictionary(grouping: found, by: \.queue).sorted(by: { $0.key < $1.key }) {
        do {
          let target = try await deadLetters.inventory(queue).deadLetterQueue()
          for one in discarded {
            do {
              try await restore(one, to: target)
              count += 1
            } catch {
              problem = problem ?? "\(one.id): \(Self.words(error))"
            }
          }
        } catch {
          problem = problem ?? "\(queue): \(Self.words(error))"
        }
      }
      var details = ["deadLetters": "\(ids.count)", "restored": "\(count)"]
      if let problem { details["problem"] = problem }
      await audit.add(visitor.name, "restore", details: details)
      return (count, problem)
    }
  }

  private func restore(_ one: DiscardedDeadLetter, to target: any MessageQueue) async throws {
    for result in try await target.send([one.deadLetter.restored(isFIFO: target.isFIFO, at: Date())]) {
      _ = try result.get()
    }
    try await deadLetters.discarded.markRestored([one.id]).get()
  }

  private static func words(_ error: any Error) -> String { (error as? ConsoleError)?.detail ?? "\(error)" }
}
