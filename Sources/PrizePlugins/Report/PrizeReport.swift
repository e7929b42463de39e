/// What was granted, left pending and claimed in some days, summed up from the ledger; its JSON is what
/// `prizes report --format json` prints, on one line.
///
///     { "by": "community", "from": "2026-11-01", "to": null,
///       "rows": [{ "claimed": { "awards": 1, "quantity": 5 }, "granted": { "awards": 7, "quantity": 30 },
///                  "id": "crew", "name": "The Crew", "pending": { "awards": 2, "quantity": 6 } }] }
///
/// Every key is always there. A prize that was pending and then claimed counts in both sums, on the day of each.
struct PrizeReport: Hashable, Sendable {
  /// What a row stands for. The raw value is what the command line and the JSON say.
  enum Grouping: String, CaseIterable, Codable, Sendable {
    /// In UTC.
    case day
    case community
    case itemType = "item-type"
  }

  /// Which lines of the ledger count, and how they are summed up.
  struct Request: Hashable, Sendable {
    var grouping: Grouping
    /// The first day that counts; nil for all days up to ``to``.
    var from: ReportDay?
    /// The last day that counts; nil for all days since ``from``.
    var to: ReportDay?
  }

  /// Lines of the ledger.
  struct Sum: Codable, Hashable, Sendable {
    /// How many times it happened.
    var awards = 0
    /// How many items and characters that were; `Int.max` where it is more.
    var quantity = 0

    static func + (left: Sum, right: Sum) -> Sum {
      let (sum, overflows) = left.quantity.addingReportingOverflow(right.quantity)
      return Sum(awards: left.awards + right.awards, quantity: overflows ? .max : sum)
    }
  }

  struct Row: Hashable, Sendable {
    /// The day, as `2026-11-28`, or the id of the community or item type. nil for what belongs to none: characters have no item type,
    /// and no community once they are claimed.
    var id: String?
    /// Of the community or item type, as the catalog has it now; nil where there is none.
    var name: String?
    /// To users at once.
    var granted = Sum()
    /// Until the account is linked.
    var pending = Sum()
    /// Were pending, and became their users'.
    var claimed = Sum()
  }

  var request: Request
  /// Sorted by id, with the one that has none at the end. Days on which nothing happened are left out.
  var rows: [Row] = []

  /// Of all rows.
  var total: Row {
    rows.reduce(into: Row()) { total, row in
      total.granted = total.granted + row.granted
      total.pending = total.pending + row.pending
      total.claimed = total.claimed + row.claimed
    }
  }

  /// Adds what a store read: one kind of change of one group. Those of a group follow one another.
  mutating func add(_ sum: Sum, of change: LedgerEntry.Change, id: String?, name: String?) {
    if rows.isEmpty || rows[rows.count - 1].id != id { rows.append(Row(id: id, name: name)) }
    switch change {
    case .granted: rows[rows.count - 1].granted = sum
    case .pending: rows[rows.count - 1].pending = sum
    case .claimed: rows[rows.count - 1].claimed = sum
    }
  }
}

extension PrizeReport: Encodable {
  private enum CodingKeys: CodingKey {
    case by, from, to, rows
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(request.grouping, forKey: .by)
    try container.encode(request.from?.text, forKey: .from)
    try container.encode(request.to?.text, forKey: .to)
    try container.encode(rows, forKey: .rows)
  }
}

extension PrizeReport.Row: Encodable {
  private enum CodingKeys: CodingKey {
    case id, name, granted, pending, claimed
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    // Written out, because the synthesized form leaves keys out where they are nil.
    try container.encode(id, forKey: .id)
    try container.encode(name, forKey: .name)
    try container.encode(granted, forKey: .granted)
    try container.encode(pending, forKey: .pending)
    try container.encode(claimed, forKey: .claimed)
  }
}
