import ArgumentParser
import Foundation
import WorkerAdmin
import WorkerKit
import WorkerTelemetry

/// The subject of a finding.
enum DoctorSubject: Hashable {
  case configuration, credentials, clock
  /// A subject of a queue in `routes.yaml`, by its name.
  case queue(String), backlog(String), redrive(String), deadLetters(String), visibility(String), permissions(String)
  case plugin(String)
  /// A worker that runs on this machine.
  case worker

  /// The kind of check, which JSON output contains as well, and the name of the subject.
  var words: (check: String, name: String?) {
    switch self {
    case .configuration: ("configuration", nil)
    case .credentials: ("credentials", nil)
    case .clock: ("clock", nil)
    case .queue(let name): ("queue", name)
    case .backlog(let name): ("backlog", name)
    case .redrive(let name): ("redrive", name)
    case .deadLetters(let name): ("dead letters", name)
    case .visibility(let name): ("visibility", name)
    case .permissions(let name): ("permissions", name)
    case .plugin(let name): ("plugin", name)
    case .worker: ("worker", nil)
    }
  }

  var title: String { [words.check, words.name].compactMap(\.self).joined(separator: " ") }

  /// All possible subjects of a run, for the width of the columns.
  static func all(of queues: [QueueConfiguration], _ plugins: [String]) -> [DoctorSubject] {
    [.configuration, .credentials, .clock] + queues.flatMap { [.deadLetters($0.name), .permissions($0.name)] }
      + plugins.map(DoctorSubject.plugin)
  }
}

extension DoctorExamination {
  /// What was found, for the console.
  func findings() async -> [ConsoleFinding] {
    // Kept, and not printed.
    let report = DoctorReport(isJSON: true, subjects: [])
    await run(report)
    return report.lines.map {
      ConsoleFinding(
        check: $0.check, name: $0.name, finding: Finding($0.status, $0.message, remedy: $0.remedy))
    }
  }
}

/// Shows findings as they come, or all at the end as JSON.
final class DoctorReport {
  struct Line: Encodable {
    var check: String
    var name: String?
    var status: Finding.Status
    var message: String
    var remedy: [String]
  }

  private struct Summary: Encodable {
    var ok: Int
    var warnings: Int
    var wrong: Int
    var skipped: Int
    var findings: [Line]
  }

  private static let statusWidth = 7
  private let isJSON: Bool
  private let width: Int
  private let isColored: Bool
  private(set) var lines: [Line] = []
  private var failure: (any Error)?

  init(isJSON: Bool, subjects: [DoctorSubject]) {
    self.isJSON = isJSON
    width = subjects.map(\.title.count).max() ?? 0
    isColored = isatty(STDOUT_FILENO) == 1 && (ProcessInfo.processInfo.environment["NO_COLOR"] ?? "").isEmpty
  }

  func add(_ findings: [Finding], on subject: DoctorSubject) {
    for finding in findings {
      let line = Line(
        check: subject.words.check, name: subject.words.name, status: finding.status,
        message: TerminalText.line(Self.oneLine(finding.message)),
        remedy: finding.remedy.map { TerminalText.line($0) })
      lines.append(line)
      guard !isJSON else { continue }
      let status = line.status.rawValue.padding(toLength: Self.statusWidth, withPad: " ", startingAt: 0)
      let title = subject.title.padding(toLength: max(width, subject.title.count), withPad: " ", startingAt: 0)
      let indent = String(repeating: " ", count: Self.statusWidth + 2)
      show(
        (["\(colored(status, line.status))  \(title)  \(line.message)"] + line.remedy.map { "\(indent)  \($0)" })
          .joined(separator: "\n"))
    }
  }

  /// Prints the summary.
  ///
  /// - Throws: The exit code if it is not 0.
  func finish(configurationIsWrong: Bool) throws {
    func count(_ status: Finding.Status) -> Int { lines.count { $0.status == status } }
    if isJSON {
      try printJSON(
        Summary(
          ok: count(.ok), warnings: count(.warning), wrong: count(.wrong), skipped: count(.skipped), findings: lines))
    } else {
      let parts = [
        count(.wrong) > 0 ? "\(count(.wrong)) wrong" : nil,
        count(.warning) > 0 ? counted(count(.warning), "warning") : nil,
        count(.skipped) > 0 ? "\(count(.skipped)) not tried" : nil,
      ].compactMap(\.self)
      show(parts.isEmpty ? "\nNo problems found." : "\n\(parts.joined(separator: ", ")).")
    }
    if let failure { throw failure }
    if configurationIsWrong { throw ExitCode(EX_CONFIG) }
    if count(.wrong) > 0 { throw ExitCode.failure }
  }

  /// Prints a text. If that fails, the command continues, and ends with the error.
  private func show(_ text: String) {
    do { try printOut(text) } catch { failure = failure ?? error }
  }

  private func colored(_ text: String, _ status: Finding.Status) -> String {
    guard isColored else { return text }
    let color =
      switch status {
      case .ok: 32
      case .warning: 33
      case .wrong: 31
      case .skipped: 90
      }
    return "\u{1B}[\(color)m\(text)\u{1B}[0m"
  }

  private static func oneLine(_ text: String) -> String {
    text.split(whereSeparator: \.isNewline).joined(separator: " ")
  }
}
