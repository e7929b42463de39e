/// A message's place in its FIFO group, among those that one receive brought: its turn comes when the one before it is
/// off the queue. Where that one stays, those behind it are given back.
package final class GroupPlace: Sendable {
  private enum End: Sendable {
    /// Handled, or in the dead-letter queue.
    case gone
    /// It comes again, and is first then.
    case stays
  }

  private let predecessor: GroupPlace?
  /// Whether another of its group waits behind it.
  let isFollowed: Bool
  private let end = Watched<End?>(nil)

  init(behind predecessor: GroupPlace?, isFollowed: Bool) {
    self.predecessor = predecessor
    self.isFollowed = isFollowed
  }

  /// Whether there is nothing to wait for any more.
  var isDecided: Bool { predecessor.map { $0.end.value != nil } ?? true }

  /// Waits for the one before.
  ///
  /// - Returns: whether its turn has come.
  /// - Throws: `CancellationError`.
  func untilTurn() async throws -> Bool {
    guard let predecessor else { return true }
    try await predecessor.end.wait { $0 != nil }
    return predecessor.end.value == .gone
  }

  /// Lets the next one go, or not; the first word counts.
  func leave(isGone: Bool) {
    end.update { $0 = $0 ?? (isGone ? .gone : .stays) }
  }

  /// The places of messages in their groups, in order; nil for those that have no group.
  static func places(for messages: [ReceivedMessage]) -> [GroupPlace?] {
    var last: [String: Int] = [:]
    for (index, message) in messages.enumerated() {
      if let group = message.groupID { last[group] = index }
    }
    var places: [String: GroupPlace] = [:]
    return messages.enumerated().map { index, message in
      guard let group = message.groupID else { return nil }
      let place = GroupPlace(behind: places[group], isFollowed: last[group] != index)
      places[group] = place
      return place
    }
  }
}
