public import Logging

/// How much is logged: one level for all, and others for some labels.
///
/// `info,worker.sqs=debug` is info, but debug for `worker.sqs` and what is below it, such as `worker.sqs.retry`.
public struct LogLevels: Sendable, Hashable {
  /// For labels that nothing else is said of; info where it is nil.
  public var general: Logger.Level?
  /// By label.
  public var particular: [String: Logger.Level] = [:]

  public init() {}

  /// - Throws: a ``LogLevelsError`` that says what is wrong.
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

  /// That of the longest name that a label has, or lies below.
  public subscript(label: String) -> Logger.Level {
    let name = particular.keys.filter { label == $0 || label.hasPrefix("\($0).") }.max { $0.count < $1.count }
    return name.flatMap { particular[$0] } ?? general ?? .info
  }
}

public struct LogLevelsError: Error, CustomStringConvertible {
  public let description: String

  init(_ description: String) {
    self.description = description
  }
}
