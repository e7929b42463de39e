import Foundation
import WorkerKit

/// Checks whether a queue's backlog grows, and whether more slots would help because all are in use.
struct BacklogCheck: Sendable {
  /// The minimum number of messages that count as a backlog.
  private static let least = 100
  /// How many seconds the backlog is observed. The worker is queried every second.
  private static let seconds = 3

  let queue: QueueConfiguration
  /// The running worker; nil if the file does not configure its address.
  let worker: RunningWorker?
  let surroundings: DoctorSurroundings
  let waiting: @Sendable () async -> Int?

  /// Runs the check.
  ///
  /// - Returns: An empty list if there is no backlog.
  func findings() async -> [Finding] {
    guard let before = await waiting(), before >= Self.least else { return [] }
    var shares: [(busy: Int, slots: Int)] = []
    for _ in 1...Self.seconds {
      if let queue = await readiness() { shares.append((queue.busy, queue.slots)) }
      try? await Task.sleep(for: .seconds(1))
    }
    guard let after = await waiting() else { return [] }
    return [finding(before, after, shares)]
  }

  private func finding(_ before: Int, _ after: Int, _ shares: [(busy: Int, slots: Int)]) -> Finding {
    guard after >= before else { return .ok("\(after) messages wait, and they become fewer") }
    let backlog = "\(after) messages wait, and they do not become fewer"
    guard let slots = shares.last?.slots else {
      guard let worker else {
        return .warning(
          "\(backlog); whether its slots are busy is known where the worker serves its health",
          remedy: "admin: {}   # in \(surroundings.routes)")
      }
      return .warning(
        "\(backlog); no worker answers at http://\(worker.address), so whether its slots are busy is not known")
    }
    if shares.allSatisfy({ $0.busy >= $0.slots }) {
      return .warning(
        "\(backlog), while all of the worker's slots are busy (\(slots) of \(slots)): give it more slots, or start more "
          + "workers, where what the handlers depend on can take that",
        remedy: "concurrency: \(slots * 2)   # queues.\(queue.name) of \(surroundings.routes)")
    }
    return .warning(
      "\(backlog), though the worker has slots free (\(shares.last?.busy ?? 0) of \(slots) are busy): receives bring too "
        + "little, or fail; http://\(worker?.address ?? "")\(RunningWorker.path) says what it does",
      remedy: queue.maxMessages < 10 ? ["maxMessages: 10   # queues.\(queue.name) of \(surroundings.routes)"] : [])
  }

  private func readiness() async -> RunningWorker.Readiness.Queue? {
    let name = URL(string: queue.url)?.lastPathComponent
    return await worker?.readiness()?.queues.first { $0.queue == name }
  }
}

extension Finding {
  fileprivate static func warning(_ message: String, remedy: [String]) -> Finding {
    Finding(.warning, message, remedy: remedy)
  }
}
