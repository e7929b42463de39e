import Foundation
import Logging
import WorkerKit
import WorkerLocks

/// Who did what, and when: a line of the log for each action, and of a file that outlives the process.
final class AuditLog: Sendable {
  struct Entry: Sendable, Codable {
    var time: Date
    var user: String
    var action: String
    /// What was meant, and how many: never a body.
    var details: [String: String]
  }

  private static let capacity = 1000
  /// Of the file, in bytes; the one before is kept beside it.
  private static let fileLimit = 8 << 20

  private let path: String
  /// What earlier processes wrote to the file, in bytes.
  private let earlierSize: Int
  private let logger: Logger
  private let entries = Mutex<[Entry]>([])
  private let problem = Mutex<String?>(nil)
  private let failedLogins = Mutex(FailedLogins())
  private let now: @Sendable () -> Date

  init(folder: String, logger: Logger, now: @escaping @Sendable () -> Date = { Date() }) {
    path = "\(folder)/audit.jsonl"
    earlierSize = (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int ?? 0
    self.logger = logger
    self.now = now
  }

  /// The newest first.
  func latest(limit: Int = capacity) -> [Entry] { entries.withLock { $0.suffix(limit).reversed() } }

  /// Why the file cannot be written; nil where it can.
  var fileProblem: String? { problem.withLock { $0 } }

  /// Records a failed login. Those of one user from one address within a minute are two lines: the first, and the count of
  /// the others when the minute is over.
  func addFailedLogin(_ user: String, from address: String) async {
    let time = now()
    let (over, isFirst) = failedLogins.withLock { ($0.takeOver(at: time), $0.add(user, address, at: time)) }
    await write(over)
    if isFirst { await write(user, Self.failedLogin, ["address": address]) }
  }

  /// Writes the counts of failed logins whose minute is over.
  ///
  /// - Parameter isEnd: Whether the process ends, and with it all minutes. A cancellation does not keep them from being written.
  func flush(isEnd: Bool = false) async {
    let time = isEnd ? Date.distantFuture : now()
    let over = failedLogins.withLock { $0.takeOver(at: time) }
    guard !over.isEmpty else { return }
    await shieldedFromCancellation { await self.write(over) }
  }

  /// Records an action.
  ///
  /// - Parameter details: What it was about, and counts: never a body.
  func add(_ user: String, _ action: String, details: [String: String] = [:]) async {
    await flush()
    await write(user, action, details)
  }

  private static let failedLogin = "failed to log in"

  private func write(_ folded: [FailedLogins.Folded]) async {
    for one in folded {
      await write(one.user, Self.failedLogin, ["address": one.address, "moreWithinAMinute": "\(one.count)"])
    }
  }

  private func write(_ user: String, _ action: String, _ details: [String: String]) async {
    let entry = Entry(
      time: now(), user: TerminalText.line(user, limit: 200), action: action,
      details: details.mapValues { TerminalText.line($0, limit: 500) })
    var metadata: Logger.Metadata = ["user": "\(entry.user)", "action": "\(action)"]
    for (key, value) in entry.details { metadata[key] = "\(value)" }
    logger.notice("console action", metadata: metadata)
    entries.withLock { entries in
      entries.append(entry)
      if entries.count > Self.capacity { entries.removeFirst(entries.count - Self.capacity) }
    }
    guard let line = try? Self.encoder.encode(entry) else { return }
    await append(line)
  }

  /// Reads what earlier processes wrote.
  func load() async {
    let (path, size) = (path, earlierSize)
    let old = try? await BlockingThreads.standard.run {
      try Self.lastEntries(of: "\(path).1", size: .max) + Self.lastEntries(of: path, size: size)
    }
    entries.withLock { $0 = ((old ?? []) + $0).suffix(Self.capacity) }
  }

  private static func lastEntries(of path: String, size: Int) throws -> [Entry] {
    guard let file = FileHandle(forReadingAtPath: path) else { return [] }
    let end = min(Int(try file.seekToEnd()), size)
    let start = max(0, end - 1 << 20)
    try file.seek(toOffset: UInt64(start))
    let lines = (try file.read(upToCount: end - start) ?? Data()).split(separator: UInt8(ascii: "\n"))
    return lines.suffix(capacity).compactMap { try? decoder.decode(Entry.self, from: $0) }
  }

  private func append(_ line: Data) async {
    let path = path
    do {
      try await BlockingThreads.standard.run {
        try ConsoleFolder.append(line + Data("\n".utf8), to: path, synchronously: false, rotatingAt: Self.fileLimit)
      }
      problem.withLock { $0 = nil }
    } catch {
      let reason = "\(error)"
      let isNew = problem.withLock { problem in
        defer { problem = reason }
        return problem == nil
      }
      if isNew { logger.warning("the console's audit log cannot be written", metadata: ["error": "\(reason)"]) }
    }
  }

  private static var encoder: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.dateEncodingStrategy = .iso8601
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return encoder
  }

  private static var decoder: JSONDecoder {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .iso8601
    return decoder
  }
}
