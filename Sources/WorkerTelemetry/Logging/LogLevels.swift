public import Logging

/// The log levels: one for all labels, and others for some labels.
///
/// For example, `info,worker.sqs=debug` selects debug for `worker.sqs` and labels below it, such as `worker.sqs.retry`,
/// and info for all other labels.
public struct LogLevels: Sendable, Hashable {
  /// The level for labels without a level of their own; nil means info.
  public var general: Logger.Level?
  /// The levels by label.
  public var particular: [String: Logger.Level] = [:]

  /// Creates levels with info for all labels.
  public init() {}

  /// Parses levels: `info,worker.sqs=debug`.
  ///
  /// - Throws: A ``LogLevelsError`` with the problem.
  public init(_ text: String) throws {
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        .map { $0.trimmingPrefix(while: \.isWhitespace) }
      let name = String(sides.last ?? "").lowercased()
      guard let level = Logger.Level(rawValue: name) else {
        throw LogLevelsError(
          "`\(name)` is no log level; valid: \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      if let label = sides.dropLast().first {
        guard !label.isEmpty else { throw LogLevelsError("`\(part)` names no logger before its `=`") }
        particular[String(label)] = level
      } else {
        guard general == nil else {
          throw LogLevelsError("`\(text)` has two levels for all; name a logger with the second: worker.sqs=\(name)")
        }
        general = level
      }
    }
  }

  /// The level of a label: that of the longest configured name that is the label or its ancestor.
  public subscript(label: String) -> Logger.Level {
    let name = particular.keys.filter { label == $0 || label.hasPrefix("\($0).") }.max { $0.count < $1.count }
    return name.flatMap { particular[$0] } ?? general ?? .info
  }
}

/// The problem of an invalid log level.
public struct LogLevelsError: Error, CustomStringConvertible {
  /// The problem and how to fix it.
  public let description: String

  init(_ description: String) {
    self.description = description
  }
}
