import Foundation
import WorkerKit

/// What was discarded, kept in files for 14 days: one for each day, which this user alone can read.
final class DiscardedDeadLetters: Sendable {
  static let days = 14
  private static let listLimit = 1000

  /// What a list shows.
  struct Entry: Sendable {
    var id: String
    var time: Date
    var user: String
    var queue: String
    var route: String
    var kind: String?
    var message: String
  }

  private let folder: String
  /// One at a time: two operators may write, and one list while another restores.
  private let thread = BlockingThreads(limit: 1)
  private let now: @Sendable () -> Date

  init(folder: String, now: @escaping @Sendable () -> Date = { Date() }) {
    self.folder = folder
    self.now = now
  }

  /// Returns when the dead letters are on the disk.
  func keep(_ deadLetters: [DeadLetter], of queue: String, by user: String) async throws {
    let now = now()
    let path = "\(folder)/discarded-\(Self.day(now)).jsonl"
    try await thread.run { [self] in
      removeOld()
      let lines = try deadLetters.map { deadLetter in
        try Self.encoder.encode(DiscardedDeadLetter(deadLetter, of: queue, by: user, at: now)) + Data("\n".utf8)
      }
      // A line that a crash cut off ends before them.
      try ConsoleFolder.append(Data("\n".utf8) + Data(lines.joined()), to: path, synchronously: true)
    }
  }

  /// The last ones that were not restored, the newest first, and how many there are.
  func list() async throws -> (entries: [Entry], count: Int) {
    try await thread.run { [self] in
      removeOld()
      let restored = restoredTimes()
      var entries: [Entry] = []
      var count = 0
      for path in files().reversed() {
        var found: [Entry] = []
        try read(path) { discarded in
          guard isKept(discarded, restored) else { return }
          count += 1
          let seen = DeadLetterSummary(discarded.deadLetter)
          found.append(
            Entry(
              id: discarded.id, time: discarded.time, user: discarded.user, queue: discarded.queue, route: seen.route,
              kind: seen.kind, message: seen.message))
        }
        entries += found.reversed().prefix(Self.listLimit - entries.count)
      }
      return (entries, count)
    }
  }

  /// Those of the ids that were not restored.
  func find(_ ids: Set<String>) async throws -> [DiscardedDeadLetter] {
    try await thread.run { [self] in
      let restored = restoredTimes()
      var found: [String: DiscardedDeadLetter] = [:]
      for path in files() {
        try read(path) { discarded in
          if ids.contains(discarded.id), isKept(discarded, restored) { found[discarded.id] = discarded }
        }
      }
      return Array(found.values)
    }
  }

  /// Records that dead letters are in their dead-letter queue again. If one is discarded later, it can be restored again.
  /// A cancellation does not keep it from being recorded.
  func markRestored(_ ids: [String]) async -> Result<Void, any Error> {
    let now = now()
    let path = "\(folder)/restored-\(Self.day(now)).txt"
    let lines = ids.map { "\($0) \(now.timeIntervalSince1970)\n" }.joined()
    return await shieldedFromCancellation { [thread] in
      do {
        try await thread.run { try ConsoleFolder.append(Data(lines.utf8), to: path, synchronously: true) }
        return .success(())
      } catch {
        return .failure(error)
      }
    }
  }

  /// When dead letters were last restored, by id.
  private func restoredTimes() -> [String: TimeInterval] {
    var times: [String: TimeInterval] = [:]
    for path in files("restored-", ".txt") {
      for line in ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").split(separator: "\n") {
        let parts = line.split(separator: " ")
        guard parts.count == 2, let time = TimeInterval(parts[1]) else { continue }
        times[String(parts[0])] = time
      }
    }
    return times
  }

  private func isKept(_ discarded: DiscardedDeadLetter, _ restored: [String: TimeInterval]) -> Bool {
    now().timeIntervalSince(discarded.time) < TimeInterval(Self.days * 86_400)
      && restored[discarded.id].map { $0 < discarded.time.timeIntervalSince1970 } ?? true
  }

  private static func day(_ date: Date) -> Substring { Format.iso(date).prefix(10) }

  /// From the oldest day to the newest.
  private func files(_ prefix: String = "discarded-", _ suffix: String = ".jsonl") -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasPrefix(prefix) && $0.hasSuffix(suffix) }.sorted().map { "\(folder)/\($0)" }
  }

  private func removeOld() {
    let oldest = Self.day(now().addingTimeInterval(TimeInterval(-86_400 * (Self.days + 1))))
    let old =
      files().filter { $0 < "\(folder)/discarded-\(oldest)" }
      + files("restored-", ".txt").filter { $0 < "\(folder)/restored-\(oldest)" }
    for path in old { try? FileManager.default.removeItem(atPath: path) }
  }

  /// Line by line, for a line can be a megabyte.
  private func read(_ path: String, _ visit: (DiscardedDeadLetter) -> Void) throws {
    try FileTrust.check(file: path)
    guard let file = fopen(path, "re") else { return }
    defer { fclose(file) }
    var buffer: UnsafeMutablePointer<CChar>?
    var capacity = 0
    defer { free(buffer) }
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .secondsSince1970
    while true {
      let count = getline(&buffer, &capacity, file)
      guard count > 0, let start = buffer else { return }
      // A line that a crash cut off is not there: its dead letter was not deleted.
      guard
        let discarded = try? decoder.decode(
          DiscardedDeadLetter.self, from: Data(bytesNoCopy: start, count: count, deallocator: .none))
      else { continue }
      visit(discarded)
    }
  }

  private static var encoder: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.dateEncodingStrategy = .secondsSince1970
    encoder.outputFormatting = [.withoutEscapingSlashes]
    return encoder
  }
}
