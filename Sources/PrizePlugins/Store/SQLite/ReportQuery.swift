import GRDB

/// Reads a ``PrizeReport`` from an index of the ledger that has all that it needs.
struct ReportQuery {
  let db: Database

  func run(_ request: PrizeReport.Request) throws -> PrizeReport {
    var report = PrizeReport(request: request)
    let groups = try db.all(Self.sums(request), [request.from, request.to].compactMap { $0?.text }) { row in
      let change: String = try row.required(1)
      guard let change = LedgerEntry.Change(rawValue: change) else {
        throw DatabaseError(resultCode: .SQLITE_MISMATCH, message: "there is no valid change in the ledger")
      }
      let high: Int = try row.required(3)
      let low: Int = try row.required(4)
      let sum = PrizeReport.Sum(awards: try row.required(2), quantity: .saturated(high: high, low: low))
      return (id: try row.value(0) as String?, change: change, sum: sum)
    }
    let names = try names(request.grouping)
    for group in groups {
      report.add(group.sum, of: group.change, id: group.id, name: group.id.flatMap { names[$0] })
    }
    return report
  }

  /// The statement, whose parameters are the days that the request has.
  static func sums(_ request: PrizeReport.Request) -> String {
    // In two halves, for SQLite fails where a sum is beyond 64 bits.
    """
    SELECT \(request.grouping.sqlite), change, count(*), sum(quantity >> 32), sum(quantity & 0xFFFFFFFF)
    FROM ledger WHERE \(days(request)) GROUP BY 1, 2 ORDER BY 1 NULLS LAST, 2
    """
  }

  private static func days(_ request: PrizeReport.Request) -> String {
    // What the index of the grouping has.
    let isByDay = request.grouping == .day
    var conditions: [String] = []
    if request.from != nil { conditions.append(isByDay ? "substr(at, 1, 10) >= ?" : "at >= ?") }
    if request.to != nil { conditions.append(isByDay ? "substr(at, 1, 10) <= ?" : "at < date(?, '+1 day')") }
    return conditions.isEmpty ? "TRUE" : conditions.joined(separator: " AND ")
  }

  private func names(_ grouping: PrizeReport.Grouping) throws -> [String: String] {
    guard let table = grouping.catalogTable else { return [:] }
    let pairs = try db.all("SELECT id, name FROM \(table)", []) { row in
      (try row.required(0) as String, try row.required(1) as String)
    }
    return Dictionary(pairs) { first, _ in first }
  }
}

extension PrizeReport.Grouping {
  fileprivate var sqlite: String {
    switch self {
    case .day: "substr(at, 1, 10)"
    case .community: "community_id"
    case .itemType: "item_type_id"
    }
  }

  /// Whose names the rows have.
  var catalogTable: String? {
    switch self {
    case .day: nil
    case .community: "communities"
    case .itemType: "item_types"
    }
  }
}

extension Int {
  /// `high` · 2³² + `low`, as far as it fits.
  fileprivate static func saturated(high: Int, low: Int) -> Int {
    let (product, isTooLarge) = high.multipliedReportingOverflow(by: 1 << 32)
    let (sum, overflows) = product.addingReportingOverflow(low)
    return isTooLarge || overflows ? .max : sum
  }
}
