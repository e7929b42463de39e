import ArgumentParser
import Foundation
import WorkerKit
import WorkerTelemetry

/// Prints text for people. Terminal control sequences in untrusted text are escaped.
///
/// - Throws: An ``OutputError`` if the text cannot be written. The command ends with it.
func show(_ text: String) throws {
  try printOut(TerminalText.lines(text))
}

/// Prints a value as JSON, with sorted keys, and dates in ISO 8601.
///
/// - Throws: An ``OutputError``.
func printJSON(_ value: some Encodable) throws {
  try printOut(TerminalText.json(try jsonText(value)))
}

/// Writes lines to standard output unchanged, and waits for a slow reader.
///
/// - Throws: An ``OutputError``.
func printOut(_ text: String) throws {
  try FileOutput.write("\(text)\n".utf8, to: STDOUT_FILENO, named: "standard output")
}

/// Prints a message of a service for its user, without waiting for a slow reader.
func printLine(_ text: String) {
  LogOutput.standardOutput.write(TerminalText.lines(text))
}

func jsonText(_ value: some Encodable) throws -> String {
  let encoder = JSONEncoder()
  encoder.dateEncodingStrategy = .iso8601
  encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
  return String(decoding: try encoder.encode(value), as: UTF8.self)
}

/// Formats rows under a header. Each column is as wide as necessary, and each row is one line, regardless of its
/// content.
func table(_ header: [String], _ rows: [[String]]) -> String {
  let rows = rows.map { $0.map { TerminalText.line($0) } }
  let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
  return ([header] + rows).map { row in
    zip(row, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }.joined(separator: "  ")
      .trimmingCharacters(in: .whitespaces)
  }.joined(separator: "\n")
}

/// A URL without parts that may be secret: user, password, query and fragment.
func withoutSecrets(_ url: String) -> String {
  guard var parts = URLComponents(string: url) else { return url.contains("@") || url.contains("?") ? "…" : url }
  (parts.user, parts.password, parts.query, parts.fragment) = (nil, nil, nil, nil)
  return parts.string ?? url
}

/// Writes a line that is not the command's result to standard error.
func printStatus(_ line: String) {
  // Earlier log lines are written first. The wait is limited, because there may be no reader.
  LogOutput.standardError.flush(within: .seconds(1))
  try? FileOutput.write("\(TerminalText.lines(line))\n".utf8, to: STDERR_FILENO, named: "standard error")
}

/// Prints the problems of an invalid configuration to standard error, and returns exit code 78 for them.
func exitStatus(for error: any Error) -> any Error {
  guard let error = error as? ConfigurationError else { return error }
  let number = error.problems.count + error.omitted
  let count = number == 1 ? "1 problem" : "\(number) problems"
  let more = error.omitted == 0 ? [] : ["… and \(error.omitted) more"]
  // One line for each problem: a name in a file can contain a line break.
  printStatus((error.problems.map { TerminalText.line($0.description) } + more + [count]).joined(separator: "\n"))
  if let advice = advice(on: error) { printStatus(advice) }
  return ExitCode(EX_CONFIG)
}

/// If `dev` has run in this folder, how to use its queue.
private func advice(on error: ConfigurationError) -> String? {
  let directory = LocalQueueOptions.defaultDirectory
  func isThere(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(directory)/\(name)") }
  if error.description.contains("variable AWS_SQS_QUEUE_URL is not set"), isThere("env") {
    return "For the queue of `\(binaryName) dev`: . \(directory)/env"
  }
  let routes = RoutesOptions.defaultPath
  if error.description.hasPrefix("\(routes):1:1: there is no such file"), isThere(routes) {
    return "For the routes of `\(binaryName) dev`: --routes \(directory)/\(routes)"
  }
  return nil
}

/// A failure of a command with valid arguments.
struct CommandError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}

/// The contents of a file, or of standard input if the path is `-`.
func textFile(at path: String) throws -> String {
  if path == "-" {
    let bytes = FileHandle.standardInput.readDataToEndOfFile()
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw CommandError("standard input is not UTF-8 text; convert it, for SQS takes nothing else")
    }
    return text
  }
  var isDirectory: ObjCBool = false
  guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
    throw CommandError("cannot read \(path): there is no such file")
  }
  guard !isDirectory.boolValue else { throw CommandError("cannot read \(path): it is a directory") }
  var descriptor: CInt
  // A signal can interrupt the opening of a named pipe.
  repeat { descriptor = open(path, O_RDONLY | O_CLOEXEC) } while descriptor < 0 && errno == EINTR
  guard descriptor >= 0 else { throw CommandError("cannot read \(path): \(String(cString: strerror(errno)))") }
  let bytes = try FileHandle(fileDescriptor: descriptor, closeOnDealloc: true).readToEnd() ?? Data()
  guard let text = String(validating: bytes, as: UTF8.self) else {
    throw CommandError("cannot read \(path) as UTF-8 text; check its encoding")
  }
  return text
}
