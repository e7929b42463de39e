import ArgumentParser
import Foundation
import WorkerKit

/// Prints a value as JSON, its keys sorted, its dates in ISO 8601.
func printJSON(_ value: some Encodable) throws {
  print(try jsonText(value))
}

func jsonText(_ value: some Encodable) throws -> String {
  let encoder = JSONEncoder()
  encoder.dateEncodingStrategy = .iso8601
  encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
  return String(decoding: try encoder.encode(value), as: UTF8.self)
}

/// Rows under a header, each column as wide as it must be.
func table(_ header: [String], _ rows: [[String]]) -> String {
  let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
  return ([header] + rows).map { row in
    zip(row, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }.joined(separator: "  ")
      .trimmingCharacters(in: .whitespaces)
  }.joined(separator: "\n")
}

/// Writes a line to standard error: for what is not the command's result.
func note(_ line: String) {
  // Nobody may be there to read it.
  try? FileHandle.standardError.write(contentsOf: Data("\(line)\n".utf8))
}

/// Runs what reads a configuration; its problems go to standard error, and the process exits with 78.
func exitingOnProblems<Result>(_ body: () throws -> Result) throws -> Result {
  do {
    return try body()
  } catch {
    throw exitStatus(for: error)
  }
}

func exitStatus(for error: any Error) -> any Error {
  guard let error = error as? ConfigurationError else { return error }
  let count = error.problems.count == 1 ? "1 problem" : "\(error.problems.count) problems"
  FileHandle.standardError.write(Data("\(error)\n\(count)\n".utf8))
  return ExitCode(EX_CONFIG)
}

/// A failure of a command whose arguments were right.
struct CommandError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}

/// The contents of a file.
func textFile(at path: String) throws -> String {
  var isDirectory: ObjCBool = false
  guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
    throw CommandError("cannot read \(path): there is no such file")
  }
  guard !isDirectory.boolValue else { throw CommandError("cannot read \(path): it is a directory") }
  do {
    return try String(contentsOfFile: path, encoding: .utf8)
  } catch {
    throw CommandError("cannot read \(path) as UTF-8 text; check its encoding and its permissions")
  }
}
