import WorkerKit

/// The ids that match a prefix.
struct DeadLetterIDs: Sendable {
  /// The minimum length of a prefix, so that a typo does not select the only dead letter.
  static let shortestBeginning = 4
  /// The maximum number of ids to collect.
  private static let limit = 100

  private let beginning: String
  /// The id of the first matching dead letter.
  private var firstDeadLetter: String?
  private var deadLetterCount = 0
  private var ids: Set<String> = []

  init(_ beginning: String) {
    self.beginning = beginning
  }

  mutating func add(_ deadLetter: DeadLetter) {
    let matching = [deadLetter.id, deadLetter.originalMessageID].filter(matches)
    guard !matching.isEmpty else { return }
    deadLetterCount += 1
    firstDeadLetter = firstDeadLetter ?? deadLetter.id
    for id in matching where ids.count < Self.limit || id == beginning { ids.insert(id) }
  }

  private func matches(_ id: String) -> Bool {
    id == beginning
      || (beginning.count >= Self.shortestBeginning && id.lowercased().hasPrefix(beginning.lowercased()))
  }

  /// The selected id: the id of the only match or, if several match, the original message id that they share.
  ///
  /// - Returns: nil if nothing matches.
  /// - Throws: If the prefix is ambiguous.
  func only(in queue: String) throws -> String? {
    if deadLetterCount <= 1 { return firstDeadLetter }
    if ids.count == 1 { return ids.first }
    if ids.contains(beginning) { return beginning }
    throw CommandError(
      "\(beginning) is the beginning of \(ids.count < Self.limit ? "" : "at least ")\(ids.count) ids in \(queue): "
        + ids.sorted().prefix(5).joined(separator: ", ")
        + "\(ids.count > 5 ? ", …" : ""); write more of the one that is meant")
  }
}
