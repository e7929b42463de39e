import Foundation
import Hummingbird
import WorkerKit

extension Console {
  private static let rowLimit = 2000

  var pluginPages: [Endpoint] {
    [
      Endpoint(.get, "/plugins/{plugin}/{page}") { [self] request in
        let (page, document) = try await document(for: request)
        if let name = request.query["csv"] { return try csv(of: document, named: name, page) }
        let query = request.query.dictionary
        return self.page(
          "plugin", ["title": Format.line(page.title), "blocks": blocks(document, query, request)], for: request,
          at: request.request.uri.path)
      },
      Endpoint(.get, "/api/plugins/{plugin}/{page}") { [self] request in
        try json(PluginPageRecord(try await document(for: request).document))
      },
    ]
  }

  private func document(for request: ConsoleRequest) async throws -> (page: ConsolePage, document: ConsoleDocument) {
    guard
      let plugin = source.plugins().first(where: { type(of: $0).name == request.parameters["plugin"] }),
      let page = type(of: plugin).consolePages.first(where: { $0.name == request.parameters["page"] })
    else { throw ConsoleError.notFound("No plugin that runs has this page.") }
    let asked = ConsolePageRequest(
      page: page.name, inputs: request.query.dictionary, deadLetters: deadLetters.counts())
    guard let slot = pluginCalls.take() else {
      throw ConsoleError.busy("Other pages of plugins are being made. Try again in a moment.")
    }
    let made = AsyncValue<Result<ConsoleDocument, any Error>?>(nil)
    // Beside the request: a plugin's code may block its thread, and then nothing ends it.
    let call = Task(executorPreference: globalConcurrentExecutor) {
      let result: Result<ConsoleDocument, any Error>
      do {
        result = .success(try await plugin.consolePage(asked))
      } catch {
        result = .failure(error)
      }
      made.update { $0 = result }
      withExtendedLifetime(slot) {}
    }
    _ = await WorkerClock.continuous.isMet(within: limits.pluginPage) { try await made.wait { $0 != nil } }
    call.cancel()
    switch made.value {
    case .success(let document): return (page, document)
    case .failure(let error as EventError) where error.kind == .validation:
      throw ConsoleError.badRequest(Format.line(error.message))
    case .failure(let error):
      throw ConsoleError(
        status: .badGateway, title: "The plugin cannot make this page", detail: Format.line("\(error)"))
    case nil:
      throw ConsoleError(
        status: .gatewayTimeout, title: "The plugin takes too long",
        detail: "It had \(Int(limits.pluginPage.inSeconds)) s.")
    }
  }

  private struct BlockView {
    struct Fact {
      var name: String
      var value: String
    }
    struct Facts { var rows: [Fact] }
    struct Cell {
      var column: String
      var value: String
      var isNumber: Bool
    }
    struct Row { var cells: [Cell] }
    struct Table {
      var columns: [Cell]
      var rows: [Row]
      var hasRows: Bool
      var csv: String
      var name: String
      var more: String?
    }
    struct Input {
      var name: String
      var label: String
      var value: String
      var choices: [ChoiceView]
      var isChoice: Bool
    }
    struct Form {
      var inputs: [Input]
      var button: String
    }

    var heading: String?
    var text: String?
    var facts: Facts?
    var table: Table?
    var chart: String?
    var form: Form?
  }

  private func blocks(_ document: ConsoleDocument, _ query: [String: String], _ request: ConsoleRequest) -> [BlockView]
  {
    document.blocks.map { block in
      var view = BlockView()
      switch block {
      case .heading(let text): view.heading = Format.line(text)
      case .text(let text): view.text = TerminalText.lines(text)
      case .facts(let facts):
        view.facts = .init(rows: facts.map { .init(name: Format.line($0.name), value: Format.line($0.value)) })
      case .chart(let chart): view.chart = Charts.bars(chart)
      case .form(let form):
        view.form = BlockView.Form(
          inputs: form.inputs.map { input in
            BlockView.Input(
              name: input.name, label: Format.line(input.label), value: input.value,
              choices: choices(input.choices, input.value), isChoice: !input.choices.isEmpty)
          }, button: Format.line(form.button))
      case .table(let table): view.table = tableView(table, query, request)
      }
      return view
    }
  }

  /// Columns that are empty throughout are in the file alone.
  private func tableView(_ table: ConsoleTable, _ query: [String: String], _ request: ConsoleRequest) -> BlockView.Table
  {
    let isShown = table.columns.indices.map { column in
      table.rows.contains { column < $0.count && !$0[column].isEmpty }
    }
    let isNumber = table.columns.indices.map { column in
      !table.rows.isEmpty
        && table.rows.allSatisfy { column < $0.count && Double($0[column]) != nil && $0[column].count < 15 }
    }
    let link = query.merging(["csv": table.name]) { $1 }.sorted { $0.key < $1.key }
      .map { "\(Self.encoded($0.key))=\(Self.encoded($0.value))" }.joined(separator: "&")
    func cells(_ values: [String]) -> [BlockView.Cell] {
      zip(table.columns, values).enumerated().filter { isShown[$0.offset] }.map { index, pair in
        let value = isNumber[index] ? Int(pair.1).map { Format.number($0) } ?? pair.1 : Format.line(pair.1)
        return .init(column: Format.line(pair.0), value: value, isNumber: isNumber[index])
      }
    }
    return BlockView.Table(
      columns: table.columns.enumerated().filter { isShown[$0.offset] }.map {
        .init(column: "", value: Format.line($0.element), isNumber: isNumber[$0.offset])
      },
      rows: table.rows.prefix(Self.rowLimit).map { .init(cells: cells($0)) }, hasRows: !table.rows.isEmpty,
      csv: "\(request.request.uri.path)?\(link)", name: Format.line(table.name),
      more: table.rows.count > Self.rowLimit ? Format.number(table.rows.count - Self.rowLimit) : nil)
  }

  private func csv(of document: ConsoleDocument, named name: String, _ page: ConsolePage) throws -> Response {
    for case .table(let table) in document.blocks where table.name == name {
      let lines = ([table.columns] + table.rows).map { $0.map(CSVField.text).joined(separator: ",") + "\r\n" }
      return file(
        lines.joined(), named: "\(page.name)-\(Self.fileName(name)).csv", contentType: "text/csv; charset=utf-8")
    }
    throw ConsoleError.notFound("The page has no table of this name.")
  }

  private static func fileName(_ text: String) -> String {
    String(
      text.unicodeScalars.map { ("a"..."z").contains($0) || ("0"..."9").contains($0) ? Character($0) : "-" }.prefix(60))
  }
}

/// A plugin's page in JSON.
private struct PluginPageRecord: Encodable {
  struct Table: Encodable {
    var name: String
    var columns: [String]
    var rows: [[String]]
  }
  struct Fact: Encodable {
    var name: String
    var value: String
  }

  var facts: [Fact] = []
  var tables: [Table] = []

  init(_ document: ConsoleDocument) {
    for block in document.blocks {
      switch block {
      case .table(let table): tables.append(Table(name: table.name, columns: table.columns, rows: table.rows))
      case .facts(let found): facts += found.map { Fact(name: $0.name, value: $0.value) }
      default: break
      }
    }
  }
}
