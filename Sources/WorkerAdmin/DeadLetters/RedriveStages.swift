import WorkerKit

/// How many dead letters a job redrives before it waits for their outcome: 1, then 10, then 100.
///
/// An event whose outcome is unknown at the end of its stage is carried along: a handler that fails slowly must stop the job,
/// too. After a while it is given up, because another process may handle it.
struct RedriveStages: Sendable {
  private static let sizes = [1, 10, 100]

  private(set) var stage = 0
  /// The new messages of this stage.
  private(set) var sent: [String] = []
  /// When the messages of earlier stages whose outcomes are unknown were sent.
  private(set) var unresolved: [String: Duration] = [:]
  private let patience: Duration

  /// - Parameter patience: How long an event is carried along.
  init(patience: Duration = .seconds(60)) {
    self.patience = patience
  }

  var size: Int { Self.sizes[min(stage, Self.sizes.count - 1)] }
  var room: Int { size - sent.count }
  var isFull: Bool { room <= 0 }
  /// The messages whose outcomes decide whether the job goes on.
  var awaited: [String] { sent + unresolved.keys.sorted() }

  mutating func add(_ newIDs: [String]) { sent += newIDs }

  /// Begins the next stage.
  ///
  /// - Parameter resolved: The messages whose outcomes are known.
  mutating func beginNext(resolved: some Sequence<String>, at now: Duration) {
    for id in sent { unresolved[id] = now }
    for id in resolved { unresolved[id] = nil }
    unresolved = unresolved.filter { now - $0.value < patience }
    stage += 1
    sent = []
  }
}
