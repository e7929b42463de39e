import Foundation
import WorkerKit

/// Selects dead letters: by ids, by group, by a search, or all of the list.
struct DeadLetterSelection: Sendable {
  var ids: [String] = []
  var group: String?
  var text: String?
  var all = false
}

extension Console {
  /// Freezes a selection: what is confirmed later is done with these dead letters, and with none that came since.
  ///
  /// - Throws: where nothing is selected.
  func plan(
    _ action: Plan.Action, _ selection: DeadLetterSelection, of inventory: DeadLetterInventory, by visitor: Visitor
  ) async throws -> Plan {
    let (found, words) = try await selected(selection, of: inventory)
    var plan = Plan(
      action: action, queue: inventory.queue.name, ids: found.map(\.id), selection: words, user: visitor.name)
    plan.groups = DeadLetterGroup.all(of: found)
    if action == .redrive {
      let examined = found.prefix(1000).compactMap(\.deadLetter)
      let reasons = await withTaskExecutorPreference(globalConcurrentExecutor) {
        examined.compactMap { deadLetters.prospect(of: $0) }
      }
      plan.failing = reasons.count
      plan.reason = reasons.first
    }
    deadLetters.plans.add(plan)
    return plan
  }

  /// The dead letters that a selection means, and what it is called.
  func selected(_ selection: DeadLetterSelection, of inventory: DeadLetterInventory) async throws -> (
    [DeadLetterSummary], String
  ) {
    guard let snapshot = inventory.current.snapshot else {
      throw ConsoleError.conflict("There is no list of dead letters yet: refresh it first.")
    }
    let found: [DeadLetterSummary]
    let words: String
    if !selection.ids.isEmpty {
      let ids = Set(selection.ids)
      found = snapshot.deadLetters.filter { ids.contains($0.id) }
      words = "\(found.count) by id"
    } else if selection.group != nil || selection.text != nil {
      found = await withTaskExecutorPreference(globalConcurrentExecutor) {
        snapshot.deadLetters(group: selection.group, text: selection.text)
      }
      let group = selection.group.flatMap { key in snapshot.groups.first { $0.key == key } }
      words = [
        group.map { "group \($0.route), \($0.kind ?? "redrive policy"): \($0.pattern)" },
        selection.text.map { "search for \($0)" },
      ].compactMap(\.self).joined(separator: ", ")
    } else if selection.all {
      found = snapshot.deadLetters
      words = "all in the list"
    } else {
      throw ConsoleError.badRequest("No dead letters are selected: select some, a group, or all.")
    }
    guard !found.isEmpty else {
      throw ConsoleError.conflict("None of these dead letters is in the list any more: refresh the list.")
    }
    return (found, words)
  }

  func editPlan(
    _ deadLetter: DeadLetter, _ inventory: DeadLetterInventory, body: String, isNew: Bool, by visitor: Visitor
  ) throws(ConsoleError) -> Plan {
    guard body.utf8.count <= OutgoingMessage.sizeLimit else {
      throw .badRequest("The body has \(Format.bytes(body.utf8.count)), and SQS takes 1 MiB. Make it shorter.")
    }
    var plan = Plan(
      action: .redrive, queue: inventory.queue.name, ids: [deadLetter.id],
      edit: DeadLetterEdit(body: body, isNewEvent: isNew),
      selection: "edited, as \(isNew ? "a new event" : "the same event"): \(deadLetter.id)", user: visitor.name)
    plan.reason = deadLetters.prospect(of: deadLetter.edited(body))
    plan.failing = plan.reason == nil ? 0 : 1
    plan.groups = DeadLetterGroup.all(of: [DeadLetterSummary(deadLetter)])
    deadLetters.plans.add(plan)
    return plan
  }
}
