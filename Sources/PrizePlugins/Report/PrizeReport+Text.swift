import WorkerKit

/// How a report is printed.
extension PrizeReport {
  enum Format: String, CaseIterable, Sendable {
    case table, csv, json
  }

  /// Without a line break at the end.
  func text(as format: Format) throws -> String {
    switch format {
    case .table: table
    case .csv: csv
    case .json: TerminalText.json(try CanonicalJSON.text(of: self))
    }
  }

  private static let heading = ["granted", "quantity", "pending", "quantity", "claimed", "quantity"]

  /// With a line for all at the end.
  private var table: String {
    guard !rows.isEmpty else { return "The ledger has nothing of these days." }
    let lines =
      [([request.grouping.rawValue, request.grouping == .day ? "" : "name"], Self.heading)]
      + rows.map { row in ([row.id ?? "(none)", row.name ?? ""], row.numbers) }
      + [(["all", ""], total.numbers)]
    let nameWidths = (0..<2).map { column in lines.map { $0.0[column].count }.max() ?? 0 }
    let widths = (0..<Self.heading.count).map { column in lines.map { $0.1[column].count }.max() ?? 0 }
    return lines.map { names, numbers in
      let left = zip(names, nameWidths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
      let right = zip(numbers, widths).map { String(repeating: " ", count: $1 - $0.count) + $0 }
      return TerminalText.line((left.filter { !$0.isEmpty } + right).joined(separator: "  "))
    }.joined(separator: "\n")
  }

  /// As RFC 4180 has it, with a header; lines end as the system's do.
  private var csv: String {
    let header = [
      "id", "name", "granted_awards", "granted_quantity", "pending_awards", "pending_quantity", "claimed_awards",
      "claimed_quantity",
    ]
    let lines = [header] + rows.map { [$0.id ?? "", $0.name ?? ""] + $0.numbers }
    return lines.map { $0.map { CSVField.text(TerminalText.line($0)) }.joined(separator: ",") }.joined(separator: "\n")
  }
}

extension PrizeReport.Row {
  fileprivate var numbers: [String] {
    [granted, pending, claimed].flatMap { ["\($0.awards)", "\($0.quantity)"] }
  }
}
