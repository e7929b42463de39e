/// ``Holdings`` as people read them.
enum HoldingsReport {
  static func text(_ holdings: Holdings) -> String {
    let isUnknown = holdings.userId == nil && holdings.items.isEmpty && holdings.characters.isEmpty
    guard !isUnknown else {
      return "Nothing is known for \(holdings.id): no account is linked, and no prize waits for it."
    }
    let owned = lines(holdings.items.owned, holdings.characters.owned)
    let pending = lines(holdings.items.pending, holdings.characters.pending)
    var report = [title(holdings) + (owned.isEmpty ? " owns nothing." : " owns:")] + owned
    if !pending.isEmpty {
      report += ["Waits until the account is linked:"] + pending
    }
    return report.joined(separator: "\n")
  }

  private static func title(_ holdings: Holdings) -> String {
    let accounts = "Discord " + holdings.discordUserIds.map(\.rawValue).joined(separator: ", ")
    return holdings.userId.map { "\($0) (\(accounts))" } ?? "\(accounts), not linked to a user,"
  }

  /// Columns: how many, what, and its id.
  private static func lines(_ items: [Holdings.Item], _ characters: [Holdings.Character]) -> [String] {
    let rows =
      items.map { (count: "\($0.quantity) ×", name: $0.name, id: $0.itemTypeId.rawValue) }
      + characters.map { (count: "character", name: $0.name, id: $0.characterId.rawValue) }
    let countWidth = rows.map(\.count.count).max() ?? 0
    let nameWidth = rows.map(\.name.count).max() ?? 0
    return rows.map { row in
      let count = String(repeating: " ", count: countWidth - row.count.count) + row.count
      let name = row.name + String(repeating: " ", count: nameWidth - row.name.count)
      return "  \(count) \(name)  \(row.id)"
    }
  }
}
