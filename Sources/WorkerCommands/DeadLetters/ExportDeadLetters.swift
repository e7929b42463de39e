import ArgumentParser
import Foundation
import WorkerKit

struct ExportDeadLetters<Application: WorkerApplication>: AsyncParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: "export",
      abstract: "Write dead letters as JSON lines, and give them back.",
      discussion: """
        One object a line: ids, times, the failure, the attributes, and the body as \
        text, or as bodyBase64 where it is no UTF-8. Nothing is deleted; that is for \
        discard, whose --exported takes the file, and so deletes no letter that is \
        not in it.
        """)
  }

  @OptionGroup var queueOptions: DeadLetterQueueOptions

  @OptionGroup var filterOptions: DeadLetterFilterOptions

  @Option(name: [.short, .long], help: ArgumentHelp("A new file; else standard output.", valueName: "file"))
  var output: String?

  @Option(help: ArgumentHelp("Stop after so many letters.", valueName: "number"))
  var limit: Int?

  func validate() throws {
    guard (limit ?? 1) > 0 else { throw ValidationError("--limit must be 1 or more") }
  }

  func run() async throws {
    let filter = try filterOptions.filter()
    let session = try await DeadLetterSession(queueOptions, for: Application.self)
    let file = try LineFile(path: output)
    try await endingOnSignal { [limit] in
      var found: Set<String> = []
      var count = 0
      let visit = await session.read(filter, limit: limit) { letters in
        for letter in letters {
          try file.write(LetterRecord(letter, isWhole: true).line())
          count += 1
          if !filter.ids.isEmpty { found.formUnion([letter.id, letter.originalMessageID]) }
        }
        return []
      }
      try file.close()
      note("Exported \(counted(count, "letter")) of \(session.letters.name) to \(file.name).")
      try session.conclude(visit)
      try session.requireAll(filter.ids, found: found, visit)
    }
  }
}

/// Lines into a new file, or to standard output.
private struct LineFile: Sendable {
  let name: String
  private let handle: FileHandle
  private let isFile: Bool

  init(path: String?) throws {
    name = path ?? "standard output"
    isFile = path != nil
    guard let path else {
      handle = .standardOutput
      return
    }
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
    guard descriptor >= 0 else {
      throw CommandError(
        errno == EEXIST
          ? "\(path) is there already, and is not overwritten; name another file with --output"
          : "cannot write \(path): \(String(cString: strerror(errno)))")
    }
    handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
  }

  func write(_ line: Data) throws {
    do {
      try handle.write(contentsOf: line + Data("\n".utf8))
    } catch {
      throw CommandError("cannot write to \(name): \(error.localizedDescription)")
    }
  }

  /// Returns when the lines are on the disk.
  func close() throws {
    guard isFile else { return }
    do {
      try handle.synchronize()
      try handle.close()
    } catch {
      throw CommandError("cannot write to \(name): \(error.localizedDescription)")
    }
  }
}
