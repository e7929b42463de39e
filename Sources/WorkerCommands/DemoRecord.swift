import Foundation
import WorkerKit

/// The titles of the demo events that were sent, one on each line of a file next to the queues. If a start fails or is
/// stopped, the next start sends the rest.
struct DemoRecord {
  private let path: String
  private var titles: [String]

  init(directory: String) {
    path = "\(directory)/demo-events-sent"
    titles = ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").split(separator: "\n").map(String.init)
  }

  /// The events that were not sent yet.
  func events(of events: [DemoEvent]) -> [DemoEvent] { events.filter { !titles.contains($0.title) } }

  mutating func add(_ event: DemoEvent) throws {
    titles.append(event.title)
    do {
      try (titles.joined(separator: "\n") + "\n").write(toFile: path, atomically: true, encoding: .utf8)
    } catch {
      throw CommandError("cannot write \(path): \(error.localizedDescription); choose another directory with --data")
    }
  }
}
