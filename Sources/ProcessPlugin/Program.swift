import CChildProcess
import Foundation
import Subprocess
import WorkerKit

#if canImport(System)
  import System
#else
  import SystemPackage
#endif

/// A program that is there and may be run, with all that its processes have in common.
struct Program: Sendable {
  /// For logs, metrics and errors: the program, and the script that it runs. An argument that names no file may be a secret.
  let name: String
  let path: String
  private let arguments: [String]
  private let directory: String
  private let environment: [String: String]

  /// Looks for the program, and takes what it is to be given from the worker's environment.
  ///
  /// - Throws: a `ConfigurationValueError` that names the option at fault.
  init(
    _ options: ProcessOptions, workerEnvironment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(ConfigurationValueError) {
    let files = FileManager.default
    var isDirectory: ObjCBool = false
    guard files.fileExists(atPath: options.directory, isDirectory: &isDirectory), isDirectory.boolValue else {
      throw Self.error("directory", "must be a directory, but there is none at \(options.directory)")
    }
    directory = URL(fileURLWithPath: options.directory, isDirectory: true).standardizedFileURL.path
    path = try Self.path(of: options.command[0], in: directory, searching: workerEnvironment["PATH"] ?? "")
    arguments = Array(options.command.dropFirst())
    var environment: [String: String] = [:]
    for name in options.environment {
      guard let value = workerEnvironment[name] else {
        throw Self.error(
          "environment", "names \(name), but the worker has no such environment variable; export it, or take it out")
      }
      environment[name] = value
    }
    self.environment = environment
    let directory = directory
    let script = arguments.first { !$0.isEmpty && files.fileExists(atPath: Self.absolute($0, in: directory)) }
    name = [path, script].compactMap { $0?.split(separator: "/").last.map(String.init) }.joined(separator: " ")
  }

  private static func path(
    of program: String, in directory: String, searching path: String
  ) throws(ConfigurationValueError) -> String {
    let isFound: (String) -> Bool = { candidate in
      var isDirectory: ObjCBool = false
      return FileManager.default.fileExists(atPath: candidate, isDirectory: &isDirectory) && !isDirectory.boolValue
        && FileManager.default.isExecutableFile(atPath: candidate)
    }
    if program.contains("/") {
      let file = absolute(program, in: directory)
      guard isFound(file) else {
        throw error("command", "begins with \(program), but \(file) is no file that may be executed; `chmod +x` it?")
      }
      return file
    }
    let candidates = path.split(separator: ":").map { "\(absolute(String($0), in: "/"))/\(program)" }
    guard let file = candidates.first(where: isFound) else {
      throw error(
        "command", "begins with \(program), which is in no directory of the worker's PATH; install it, or give its path"
      )
    }
    return file
  }

  private static func absolute(_ file: String, in directory: String) -> String {
    file.hasPrefix("/") ? file : "\(directory)/\(file)"
  }

  private static func error(_ key: String, _ message: String) -> ConfigurationValueError {
    ConfigurationValueError([.init(path: [.value(of: key)], message: message)])
  }

  /// How long a process has between SIGTERM and SIGKILL.
  static let grace = Duration.seconds(5)
  static let teardown: [TeardownStep] = [
    .gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: grace)
  ]

  /// A process under way.
  typealias Process = Execution<CustomWriteInput, SequenceOutput, SequenceOutput>

  /// Runs a process until it has ended, and kills what it leaves behind in its group.
  ///
  /// - Parameters:
  ///   - variables: What it is given beside the others' environment.
  ///   - body: Speaks with it.
  /// - Returns: what `body` has returned, and how the process has ended.
  func run<Result: Sendable>(
    adding variables: [String: String] = [:], _ body: (Process) async -> Result
  ) async throws -> (result: Result, status: TerminationStatus) {
    var group: pid_t?
    defer {
      if let group {
        kill(-group, SIGKILL)
        ProcessGuardian.shared.remove(group)
      }
    }
    let end = try await Subprocess.run(
      configuration(adding: variables), input: .inputWriter, output: .sequence, error: .sequence
    ) { process in
      let pid = process.processIdentifier.value
      group = pid
      ProcessGuardian.shared.add(pid)
      return await body(process)
    }
    return (end.closureResult, end.terminationStatus)
  }

  private func configuration(adding variables: [String: String] = [:]) -> Configuration {
    var environment = environment.merging(variables) { $1 }
    var options = PlatformOptions()
    // A group of its own, so that what it starts in its turn ends with it.
    options.processGroupID = 0
    options.teardownSequence = Self.teardown
    guard worker_child_is_supported() != 0 else {
      return Configuration(
        executable: .path(FilePath(path)), arguments: Arguments(arguments),
        environment: .custom(Self.keys(environment)),
        workingDirectory: FilePath(directory), platformOptions: options)
    }
    // This binary may need it to begin, and the program is not to have it.
    let libraries = "LD_LIBRARY_PATH"
    var removed = "-"
    if environment[libraries] == nil, let path = ProcessInfo.processInfo.environment[libraries] {
      environment[libraries] = path
      removed = libraries
    }
    return Configuration(
      executable: .path("/proc/self/exe"),
      arguments: Arguments(
        [String(cString: worker_child_marker), "\(ProcessInfo.processInfo.processIdentifier)", removed, path]
          + arguments),
      environment: .custom(Self.keys(environment)), workingDirectory: FilePath(directory), platformOptions: options)
  }

  private static func keys(_ environment: [String: String]) -> [Environment.Key: String] {
    Dictionary(uniqueKeysWithValues: environment.map { (Environment.Key(stringLiteral: $0.key), $0.value) })
  }
}
