import Foundation

/// The environment variables that `worker dev` writes to a file in the folder where it runs. The shell may use the
/// variables of another project instead.
package enum DevVariables {
  package static let path = ".worker/env"

  /// The warning for a shell whose variables differ from the file of this folder; nil if there is no file, or if the
  /// difference has no effect.
  ///
  /// - Parameter isSame: Whether the command would do the same with the variables of the file.
  /// - Parameter isSame: Whether a command would do the same with these variables.
  package static func warning(
    environment: [String: String] = ProcessInfo.processInfo.environment,
    unless isSame: (_ variables: [String: String]) throws -> Bool
  ) -> String? {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
    let theirs = read(text)
    let names = theirs.filter { environment[$0.key] != $0.value }.map(\.key).sorted()
    guard !names.isEmpty, (try? isSame(environment.merging(theirs) { $1 })) != true else { return nil }
    return
      "Warning: this is not what `worker dev` of this folder works with: other variables than those of \(path) are in "
      + "force (\(names.joined(separator: ", "))). To change that: . \(path)"
  }

  /// Parses lines of the form `export NAME='value'`, with the quoting of a shell.
  static func read(_ text: String) -> [String: String] {
    text.split(separator: "\n").reduce(into: [:]) { values, line in
      guard let match = line.wholeMatch(of: /export ([A-Za-z_][A-Za-z0-9_]*)='(.*)'/) else { return }
      values[String(match.1)] = String(match.2).replacing(#"'\''"#, with: "'")
    }
  }

  /// The contents of the file.
  package static func text(_ variables: [String: String], path: String) -> String {
    let lines = variables.sorted { $0.key < $1.key }.map {
      "export \($0.key)='\($0.value.replacing("'", with: #"'\''"#))'\n"
    }
    return "# For a shell: . \(path)\n" + lines.joined()
  }
}
