import WorkerKit

/// What a route says of its program under `with:`.
struct ProcessOptions: Hashable, Sendable {
  enum Mode: String, CaseIterable, ConfigurationValue {
    /// Processes stay, and are handed one event after another.
    case worker
    /// Each event has a process of its own.
    case once
  }

  var command: [String]
  var mode: Mode
  var processes: Int
  var concurrency: Int
  var environment: [String]
  var directory: String
  var retryAfterMax: Duration

  enum Keys {
    static let command = ConfigurationKey<[String]>(
      "command", "The program and its arguments, such as [python3, raffle.py]. No shell reads them.",
      check: { words in
        guard let program = words.first, !program.isEmpty else { return "must begin with the name of a program" }
        return words.contains { $0.contains("\0") } ? "must hold no NUL" : nil
      })
    static let mode = ConfigurationKey(
      "mode", default: Mode.worker,
      "`worker`: processes that stay, and speak JSON lines; `once`: a process for each event, whose exit code says how it went."
    )
    static let processes = ConfigurationKey(
      "processes", default: 1, "How many processes run at once at most. They start when events need them.",
      check: { (1...1000).contains($0) ? nil : "must be from 1 to 1000" })
    static let concurrency = ConfigurationKey(
      "concurrency", default: 1, "How many events a process of mode `worker` has in flight at once at most.",
      check: { (1...1000).contains($0) ? nil : "must be from 1 to 1000" })
    static let environment = ConfigurationKey<[String]>(
      "environment", default: [],
      "The names of the environment variables that the program is given; of the worker's others it has none.",
      check: { names in
        names.allSatisfy { $0.wholeMatch(of: /[A-Za-z_][A-Za-z0-9_]*/) != nil }
          ? nil
          : "must be names of environment variables, such as [DB_URL]; their values come from the worker's environment"
      })
    static let directory = ConfigurationKey(
      "directory", default: ".", "Where the program runs. A program with a slash in its name is looked for from there.",
      check: { $0.isEmpty || $0.contains("\0") ? "must be the path of a directory" : nil })
    static let retryAfterMax = ConfigurationKey(
      "retryAfterMax", default: Duration.seconds(3600), "How much of an answer's `retryAfter` is heeded at most.",
      check: { $0 >= .zero && $0 <= .seconds(43_200) ? nil : "must be 12h at most" })

    static let all: [any ConfigurationKeyProtocol] = [
      command, mode, processes, concurrency, environment, directory, retryAfterMax,
    ]
  }

  init(_ values: ConfigurationValues) {
    command = values[Keys.command]
    mode = values[Keys.mode]
    processes = values[Keys.processes]
    concurrency = values[Keys.concurrency]
    environment = values[Keys.environment]
    directory = values[Keys.directory]
    retryAfterMax = values[Keys.retryAfterMax]
  }
}
