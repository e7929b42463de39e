import Foundation
import WorkerKit
import WorkerLocks

/// What is to be done with dead letters, as it was confirmed or is to be: the dead letters are these, whatever comes later.
struct Plan: Sendable {
  enum Action: String, Sendable, Codable, CaseIterable {
    case redrive, discard
  }

  var id = RandomToken.make()
  var action: Action
  var queue: String
  var ids: [String]
  /// In whose place another body is sent, of one dead letter.
  var edit: DeadLetterEdit?
  /// Which dead letters these are, in words.
  var selection: String
  var user: String
  var time = Date()
  /// How many will fail again, of those that could be examined, and why the first does.
  var failing = 0
  var reason: String?
  /// Of the dead letters, for people.
  var groups: [DeadLetterGroup] = []
}

/// Those that wait to be confirmed.
final class Plans: Sendable {
  private static let lifetime: TimeInterval = 3600
  private static let capacity = 100

  private let plans = Mutex<[String: Plan]>([:])

  func add(_ plan: Plan) {
    plans.withLock { plans in
      plans = plans.filter { Self.isValid($0.value) }
      if plans.count >= Self.capacity, let oldest = plans.min(by: { $0.value.time < $1.value.time }) {
        plans[oldest.key] = nil
      }
      plans[plan.id] = plan
    }
  }

  func find(_ id: String) throws(ConsoleError) -> Plan {
    guard let plan = plans.withLock({ $0[id] }), Self.isValid(plan) else { throw Self.missing }
    return plan
  }

  /// Of two who confirm it, one does.
  func take(_ id: String) throws(ConsoleError) -> Plan {
    guard let plan = plans.withLock({ $0.removeValue(forKey: id) }), Self.isValid(plan) else { throw Self.missing }
    return plan
  }

  private static func isValid(_ plan: Plan) -> Bool { -plan.time.timeIntervalSinceNow < lifetime }

  private static let missing = ConsoleError.notFound(
    "The selection is older than an hour, or was confirmed already. Select the dead letters again.")
}
