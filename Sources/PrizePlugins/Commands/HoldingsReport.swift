import WorkerKit

/// ``Holdings`` as people read them.
enum HoldingsReport {
  static func text(_ holdings: Holdings, in database: PrizeDatabase) -> String {
    guard !holdings.isUnknown else {
      return "Nothing is known for \(holdings.id) in \(database): no account is linked, and no prize waits for it."
    }
    let owned = lines(holdings.items.owned, holdings.characters.owned)
    let pending = lines(holdings.items.pending, holdings.characters.pending)
    var report = [title(holdings) + (owned.isEmpty ? " owns nothing." : " owns:")] + owned
    if !pending.isEmpty {
      let reason =
        holdings.userId == nil
        ? "until the account is linked" : "because a stack holds \(PrizeRules.largestStack) at most"
      report += ["Waits \(reason):"] + pending
    }
    if let history = holdings.history {
      report += ["History, the latest first:"] + (history.isEmpty ? ["  nothing"] : history.map(line))
    }
    return report.map { TerminalText.line($0) }.joined(separator: "\n")
  }

  /// When, what, whose and why.
  private static func line(_ entry: LedgerEntry) -> String {
    let prize = entry.itemTypeId.map { "\(entry.quantity) × \($0)" } ?? "character \(entry.characterId?.rawValue ?? "")"
    let holder = entry.userId.map { "to \($0)" } ?? "for Discord \(entry.discordUserId)"
    return "  \(entry.at)  \(entry.change.rawValue)  \(prize)  \(holder)  "
      + (entry.event.map { "by \($0.eventType) \($0.key)" } ?? "by an import")
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
