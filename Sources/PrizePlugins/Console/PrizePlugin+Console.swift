import Foundation
public import WorkerKit

extension PrizePlugin: PluginConsole {
  public static let consolePages = [
    ConsolePage("holdings", title: "Prizes"), ConsolePage("report", title: "Prize report"),
  ]

  /// What someone holds, and what was granted; both from the store's indexes.
  ///
  /// - Throws: an ``EventError`` of kind `validation` for an input that is wrong; what the store throws.
  public func consolePage(_ request: ConsolePageRequest) async throws -> ConsoleDocument {
    request.page == "report" ? try await reportPage(request) : try await holdingsPage(request)
  }

  private func holdingsPage(_ request: ConsolePageRequest) async throws -> ConsoleDocument {
    let text = request.inputs["id", default: ""].trimmingCharacters(in: .whitespaces)
    var document = ConsoleDocument()
    document.form([.init("id", label: "User, or number of a Discord account", value: text)], button: "Look up")
    guard !text.isEmpty else { return document }
    guard let id = Identifier(rawValue: text) else {
      throw EventError(.validation, "id: \(Identifier.expected)", field: "id")
    }
    let holdings = try await store.holdings(of: id, withHistory: true)
    guard !holdings.isUnknown || holdings.history?.isEmpty == false else {
      document.text("Nothing is known of \(id.rawValue).")
      return document
    }
    document.facts([
      ("User", holdings.userId?.rawValue ?? "no account is linked"),
      ("Discord accounts", holdings.discordUserIds.map(\.rawValue).joined(separator: ", ")),
    ])
    document.add(holdings.items, holdings.characters)
    document.heading("History")
    document.table(
      ["time", "change", "prize", "quantity", "community", "user", "Discord account", "event", "key"],
      (holdings.history ?? []).map { entry in
        [
          entry.at, entry.change.rawValue, entry.itemTypeId?.rawValue ?? entry.characterId?.rawValue ?? "",
          "\(entry.quantity)", entry.communityId?.rawValue ?? "", entry.userId?.rawValue ?? "",
          entry.discordUserId.rawValue,
          entry.event?.eventType ?? "", entry.event?.key ?? "",
        ]
      }, name: "history")
    if holdings.history?.count == LedgerEntry.mostShown {
      document.text("These are the latest \(LedgerEntry.mostShown); there may be earlier ones.")
    }
    return document
  }

  private func reportPage(_ request: ConsolePageRequest) async throws -> ConsoleDocument {
    let groupings = PrizeReport.Grouping.allCases.map(\.rawValue)
    let by = request.inputs["by"].flatMap { $0.isEmpty ? nil : $0 } ?? groupings[0]
    guard let grouping = PrizeReport.Grouping(rawValue: by) else {
      throw EventError(.validation, "by: must be \(groupings.joined(separator: ", "))", field: "by")
    }
    let (from, to) = (try day("from", request), try day("to", request))
    if let from, let to, to.text < from.text {
      throw EventError(.validation, "to: must not be before from", field: "to")
    }
    let report = try await store.report(PrizeReport.Request(grouping: grouping, from: from, to: to))
    var document = ConsoleDocument()
    document.form(
      [
        .init("by", label: "By", value: by, choices: groupings),
        .init("from", label: "First day, such as 2026-11-01", value: from?.text ?? ""),
        .init("to", label: "Last day", value: to?.text ?? ""),
      ], button: "Show")
    if report.rows.isEmpty { document.text("Nothing was granted in these days.") }
    document.add(report)
    document.add(refused: request.deadLetters.filter { $0.handler?.hasPrefix("\(Self.name).") ?? false })
    return document
  }

  private func day(_ input: String, _ request: ConsolePageRequest) throws -> ReportDay? {
    guard let text = request.inputs[input], !text.isEmpty else { return nil }
    guard let day = ReportDay(text) else {
      throw EventError(.validation, "\(input): \(ReportDay.expected)", field: input)
    }
    return day
  }
}

extension ConsoleDocument {
  fileprivate mutating func add(
    _ items: Holdings.Division<Holdings.Item>, _ characters: Holdings.Division<Holdings.Character>
  ) {
    heading("Owned")
    table(
      ["prize", "id", "quantity"], Self.rows(items.owned, characters.owned), name: "owned")
    heading("Pending")
    table(
      ["prize", "id", "quantity"], Self.rows(items.pending, characters.pending), name: "pending")
  }

  private static func rows(_ items: [Holdings.Item], _ characters: [Holdings.Character]) -> [[String]] {
    items.map { [$0.name, $0.itemTypeId.rawValue, "\($0.quantity)"] }
      + characters.map { [$0.name, $0.characterId.rawValue, "1"] }
  }

  fileprivate mutating func add(_ report: PrizeReport) {
    guard !report.rows.isEmpty else { return }
    func values(_ sum: (PrizeReport.Row) -> PrizeReport.Sum) -> [Double] {
      report.rows.map { Double(sum($0).quantity) }
    }
    chart(
      ConsoleChart(
        title: "Items and characters", labels: report.rows.map { $0.name ?? $0.id ?? "none" },
        series: [("granted", values(\.granted)), ("pending", values(\.pending)), ("claimed", values(\.claimed))]))
    let total = report.total
    table(
      [
        report.request.grouping.rawValue, "name", "granted awards", "granted", "pending awards", "pending",
        "claimed awards", "claimed",
      ],
      report.rows.map { Self.row($0, $0.id ?? "none") } + [Self.row(total, "all")], name: "report")
  }

  private static func row(_ row: PrizeReport.Row, _ id: String) -> [String] {
    [id, row.name ?? ""] + [row.granted, row.pending, row.claimed].flatMap { ["\($0.awards)", "\($0.quantity)"] }
  }

  /// Those of the dead letters that were for this plugin.
  fileprivate mutating func add(refused deadLetters: [ConsoleDeadLetters]) {
    heading("Refused")
    text("Dead letters of prizes by kind of error, as the console last read them.")
    table(
      ["event type", "kind", "dead letters"],
      deadLetters.map { [$0.route, $0.kind ?? "redrive policy", "\($0.count)"] },
      name: "refused")
  }
}
