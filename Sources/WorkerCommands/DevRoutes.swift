import Foundation
import WorkerKit

/// The routes of `worker dev`: those of `routes.yaml` or, if there is none, those of the plugins' demos.
struct DevRoutes {
  let path: String
  /// The text to write to the file once the local queue is ready; nil if the file exists.
  private let text: String?

  /// Selects the routes.
  ///
  /// - Parameters:
  ///   - path: The path of `routes.yaml`, as given.
  ///   - directory: The data directory of `worker dev`.
  init(path: String, demos: [any PluginDemo.Type], directory: String) {
    let isThere = FileManager.default.fileExists(atPath: path)
    guard !isThere, path == RoutesOptions.defaultPath, let first = demos.first(where: { !$0.demoRoutes.isEmpty }) else {
      self.path = path
      text = nil
      return
    }
    self.path = "\(directory)/\(RoutesOptions.defaultPath)"
    text =
      FileManager.default.fileExists(atPath: self.path)
      ? nil : Self.text(queue: first.name, demos: demos, path: self.path)
  }

  /// Loads the routes.
  ///
  /// - Parameter urlVariables: The variables that hold queue URLs, by the queues' names.
  func load(
    plugins: [any WorkerPlugin.Type], environment: (_ urlVariables: [String: String]) -> [String: String]
  ) throws -> RoutesFile {
    let yaml = try text ?? RoutesFile.contents(ofFileAt: path)
    let variables = environment(RoutesFile.urlVariables(inYAML: yaml))
    return try RoutesFile(yaml: yaml, file: path, plugins: plugins, environment: variables)
  }

  /// Writes the file.
  ///
  /// - Returns: Whether the file is new.
  func write() throws -> Bool {
    guard let text else { return false }
    do {
      try text.write(toFile: path, atomically: true, encoding: .utf8)
    } catch {
      throw CommandError("cannot write \(path): \(error.localizedDescription); choose another directory with --data")
    }
    return true
  }

  private static func text(queue: String, demos: [any PluginDemo.Type], path: String) -> String {
    func lines(_ values: [String: String], _ line: (String, String) -> String) -> String {
      values.sorted { $0.key < $1.key }.map { line($0.key, quoted($0.value)) }.joined(separator: "\n")
    }
    let plugins = demos.filter { !$0.demoConfiguration.isEmpty }.map { demo in
      "  \(demo.name):\n" + lines(demo.demoConfiguration) { "    \($0): \($1)" }
    }
    let routes = demos.filter { !$0.demoRoutes.isEmpty }.map { lines($0.demoRoutes) { "  \($0): { handler: \($1) }" } }
    return """
      # The routes of the plugins' demos, for there was no routes.yaml. To go on from here: cp \(path) .
      version: 1

      queues:
        \(queue):
          url: ${AWS_SQS_QUEUE_URL}

      plugins:\(plugins.isEmpty ? " {}" : "")
      \(plugins.joined(separator: "\n"))

      routes:
      \(routes.joined(separator: "\n"))

      """
  }

  /// A quoted text that is valid in YAML and JSON.
  private static func quoted(_ text: String) -> String {
    "\"\(text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
  }
}
