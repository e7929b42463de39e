import ArgumentParser
import Foundation
import WorkerKit
import WorkerTelemetry

struct ExportDeadLetters<Application: WorkerApplication>: AsyncParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: "export",
      abstract: "Write dead letters as JSON lines.",
      discussion: """
        Each line is an object with IDs, times, the failure, the attributes, and the \
        body as text, or as bodyBase64 if it is not UTF-8. It deletes nothing; to \
        delete the exported ones, pass the file to discard --exported.
        """)
  }

  @OptionGroup var queueOptions: DeadLetterQueueOptions

  @OptionGroup var filterOptions: DeadLetterFilterOptions

  @Option(name: [.short, .long], help: ArgumentHelp("A new file. By default, standard output.", valueName: "file"))
  var output: String?

  @Option(help: ArgumentHelp("Stop after this many dead letters.", valueName: "number"))
  var limit: Int?

  func validate() throws {
    guard (limit ?? 1) > 0 else { throw ValidationError("--limit must be 1 or more") }
  }

  func run() async throws {
    let filter = try filterOptions.filter()
    let session = try await DeadLetterSession(queueOptions, for: Application.self)
    let file = try LineFile(path: output)
    try await endingOnSignal { [limit] in
      let filter = try await session.resolved(filter)
      var found: Set<String> = []
      var count = 0
      let visit = await session.read(filter, limit: limit) { deadLetters in
        for deadLetter in deadLetters {
          try file.write(DeadLetterRecord(deadLetter, isWhole: true).line())
          count += 1
          found.formUnion(filter.ids(of: deadLetter))
        }
        return []
      }
      if case .failed(let error as OutputError) = visit.end { throw error }
      try file.close()
      printStatus("Exported \(counted(count, "dead letter")) of \(session.deadLetters.name) to \(file.name).")
      try session.conclude(visit)
      try session.requireKnown(filter, visit)
      try session.requireAll(filter.ids, found: found, visit)
    }
  }
}

/// Writes lines to a new file or to standard output.
private struct LineFile: Sendable {
  let name: String
  private let descriptor: Int32
  private let isFile: Bool

  init(path: String?) throws {
    name = path ?? "standard output"
    isFile = path != nil
    guard let path else {
      descriptor = STDOUT_FILENO
      return
    }
    // The file is closed when the process ends.
    descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw CommandError(
        errno == EEXIST
          ? "\(path) exists already and is not overwritten; name another file with --output"
          : "cannot write \(path): \(String(cString: strerror(errno)))")
    }
  }

  /// Writes a line.
  ///
  /// - Throws: An ``OutputError``.
  func write(_ line: Data) throws {
    try FileOutput.write(line + Data("\n".utf8), to: descriptor, named: name)
  }

  /// Returns once the lines are on disk.
  func close() throws {
    guard isFile else { return }
    guard fsync(descriptor) == 0, Foundation.close(descriptor) == 0 else {
      throw OutputError(file: name, number: errno)
    }
  }
}
