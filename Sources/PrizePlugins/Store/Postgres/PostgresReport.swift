/// Reads a ``PrizeReport``.
enum PostgresReport {
  static func read(_ request: PrizeReport.Request, in transaction: PostgresTransaction) throws -> PrizeReport {
    var report = PrizeReport(request: request)
    let table = request.grouping.catalogTable
    let names = table.map { "SELECT id, name FROM \($0)" } ?? "SELECT '', '' LIMIT 0"
    let read = try transaction.finish([
      sums(request), PostgresStatement(names),
    ])
    let pairs = try read[1].required().map { ($0[0], $0[1]) }
    let nameOf = Dictionary(pairs) { first, _ in first }
    for row in read[0].rows {
      guard let change = row[1].flatMap({ LedgerEntry.Change(rawValue: $0) }), let awards = row[2].flatMap({ Int($0) }),
        let quantity = row[3].flatMap({ Int($0) })
      else { throw PostgresFailure(state: "22000", message: "there is no valid line in the ledger") }
      report.add(
        PrizeReport.Sum(awards: awards, quantity: quantity), of: change, id: row[0], name: row[0].flatMap { nameOf[$0] }
      )
    }
    return report
  }

  static func sums(_ request: PrizeReport.Request) -> PostgresStatement {
    PostgresStatement(
      """
      SELECT \(column(request.grouping)), change, count(*), least(sum(quantity), \(Int.max))
      FROM ledger WHERE \(days(request)) GROUP BY 1, 2 ORDER BY 1 NULLS LAST, 2
      """, request.from?.text, request.to?.text)
  }

  private static func column(_ grouping: PrizeReport.Grouping) -> String {
    switch grouping {
    case .day: "(at AT TIME ZONE 'UTC')::date"
    case .community: "community_id"
    case .itemType: "item_type_id"
    }
  }

  /// Both parameters are used, for the server must know their types.
  private static func days(_ request: PrizeReport.Request) -> String {
    [
      request.from == nil ? "$1::date IS NULL" : "at >= $1::date AT TIME ZONE 'UTC'",
      request.to == nil ? "$2::date IS NULL" : "at < ($2::date + 1) AT TIME ZONE 'UTC'",
    ].joined(separator: " AND ")
  }
}
