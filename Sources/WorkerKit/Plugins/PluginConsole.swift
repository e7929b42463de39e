/// A plugin that adds pages and reports to the console of `worker run --admin` and `worker dev`.
///
///     extension RafflePlugin: PluginConsole {
///       static let consolePages = [ConsolePage("entries", title: "Raffle entries")]
///
///       func consolePage(_ request: ConsolePageRequest) async throws -> ConsoleDocument {
///         var document = ConsoleDocument()
///         document.table(["user", "entries"], try await store.entries().map { [$0.user, "\($0.count)"] })
///         return document
///       }
///     }
///
/// A page is made of values, not of HTML: the console lays them out, and escapes whatever they hold. Who may see the console
/// may see the pages; a page changes nothing.
public protocol PluginConsole: WorkerPlugin {
  /// The plugin's pages, in the order of the menu.
  static var consolePages: [ConsolePage] { get }

  /// Makes a page, for one request.
  ///
  /// It runs on Swift's pool, as handlers do, and is cancelled after ten seconds.
  ///
  /// - Throws: what the console shows in the page's place; an ``EventError`` for an input that is wrong.
  func consolePage(_ request: ConsolePageRequest) async throws -> ConsoleDocument
}

/// One page of a plugin in the console's menu.
public struct ConsolePage: Sendable, Hashable {
  /// In the page's address, `/plugins/<plugin>/<name>`: lower-case letters, digits and hyphens.
  public var name: String
  /// In the menu, and above the page.
  public var title: String

  /// Creates a page.
  public init(_ name: String, title: String) {
    self.name = name
    self.title = title
  }
}

/// What a page is asked for.
public struct ConsolePageRequest: Sendable {
  /// The page's ``ConsolePage/name``.
  public var page: String
  /// The inputs of the page's form by name, each as it was typed.
  public var inputs: [String: String]
  /// How many dead letters each kind of error and route has, as the console last saw them.
  public var deadLetters: [ConsoleDeadLetters]

  /// A request for a page; the console makes it, and tests of plugins do.
  public init(page: String, inputs: [String: String] = [:], deadLetters: [ConsoleDeadLetters] = []) {
    self.page = page
    self.inputs = inputs
    self.deadLetters = deadLetters
  }
}

/// Dead letters that have their route, handler and kind of error in common.
public struct ConsoleDeadLetters: Sendable, Hashable {
  /// The event's type.
  public var route: String
  /// `<plugin>.<handler>`; nil where the dead letter does not say.
  public var handler: String?
  /// The kind of error; nil for those that the queue's redrive policy moved.
  public var kind: String?
  /// How many there are.
  public var count: Int

  /// Creates a count; the console makes it, and tests of plugins do.
  public init(route: String, handler: String? = nil, kind: String?, count: Int) {
    self.route = route
    self.handler = handler
    self.kind = kind
    self.count = count
  }
}

/// What a page shows, from top to bottom.
public struct ConsoleDocument: Sendable {
  /// A part of a page.
  public enum Block: Sendable {
    /// See ``ConsoleDocument/heading(_:)``.
    case heading(String)
    /// See ``ConsoleDocument/text(_:)``.
    case text(String)
    /// See ``ConsoleDocument/form(_:button:)``.
    case form(ConsoleForm)
    /// See ``ConsoleDocument/facts(_:)``.
    case facts([(name: String, value: String)])
    /// See ``ConsoleDocument/table(_:_:name:)``.
    case table(ConsoleTable)
    /// See ``ConsoleDocument/chart(_:)``.
    case chart(ConsoleChart)
  }

  /// In their order.
  public var blocks: [Block] = []

  /// Creates an empty page.
  public init() {}

  /// A heading of a part.
  public mutating func heading(_ text: String) { blocks.append(.heading(text)) }

  /// A paragraph.
  public mutating func text(_ text: String) { blocks.append(.text(text)) }

  /// A form, by which the page is asked for again with other inputs.
  public mutating func form(_ inputs: [ConsoleForm.Input], button: String) {
    blocks.append(.form(ConsoleForm(inputs: inputs, button: button)))
  }

  /// Names with their values.
  public mutating func facts(_ facts: [(name: String, value: String)]) { blocks.append(.facts(facts)) }

  /// Rows under column headings, of which numbers are aligned to the right. It can be had as CSV.
  public mutating func table(_ columns: [String], _ rows: [[String]], name: String = "table") {
    blocks.append(.table(ConsoleTable(name: name, columns: columns, rows: rows)))
  }

  /// Bars over time or over names: one series of values for each name.
  public mutating func chart(_ chart: ConsoleChart) { blocks.append(.chart(chart)) }
}

/// Inputs, and a button that asks for the page with them.
public struct ConsoleForm: Sendable {
  /// A field to fill in, or a choice.
  public struct Input: Sendable {
    /// The key in ``ConsolePageRequest/inputs``.
    public var name: String
    /// The text beside the input.
    public var label: String
    /// The value at first, usually that of the request.
    public var value: String
    /// The values to choose from; empty for text.
    public var choices: [String]

    /// Creates an input.
    public init(_ name: String, label: String, value: String = "", choices: [String] = []) {
      self.name = name
      self.label = label
      self.value = value
      self.choices = choices
    }
  }

  /// The inputs, in their order.
  public var inputs: [Input]
  /// The button's text.
  public var button: String
}

/// Rows under column headings.
public struct ConsoleTable: Sendable {
  /// The name of the CSV file, and the table's name in the JSON API.
  public var name: String
  /// The column headings.
  public var columns: [String]
  /// A value for each column. A column whose values are all numbers is aligned to the right.
  public var rows: [[String]]
}

/// Bars beside each other for each label.
public struct ConsoleChart: Sendable {
  /// Above the chart.
  public var title: String
  /// Under the bars: days, or names.
  public var labels: [String]
  /// By name, a value for each label.
  public var series: [(name: String, values: [Double])]

  /// Creates a chart. The console shows up to 400 labels and six series.
  public init(title: String, labels: [String], series: [(name: String, values: [Double])]) {
    self.title = title
    self.labels = labels
    self.series = series
  }
}
