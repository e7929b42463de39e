import ArgumentParser
import Foundation
import WorkerKit

struct SchemaCommand<Application: WorkerApplication>: AsyncParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: "schema",
      abstract: "Generate JSON Schema from the event types.",
      discussion: """
        For developers of the bot: an event that the schema refuses is dead-lettered. \
        It is found out from the types that the handlers of routes.yaml take; no queue \
        and no database is asked.

          worker schema                     # all events in one document
          worker schema --output schemas    # the same, and a document for each eventType
          worker schema --configuration     # of routes.yaml itself, for your editor
        """)
  }

  @OptionGroup var routesOptions: NamedRoutesOptions

  @Option(help: ArgumentHelp("Write EVENT_TYPE.schema.json and event.schema.json here.", valueName: "folder"))
  var output: String?

  @Flag(help: "Show the schema of routes.yaml itself, with the options of this binary's handlers.")
  var configuration = false

  func validate() throws {
    guard !configuration || output == nil else {
      throw ValidationError("--configuration writes to standard output, so leave out --output")
    }
  }

  func run() async throws {
    if configuration { return try printJSON(RoutesFile.schema(plugins: Application.plugins)) }
    let schemas = try RouteSchema.all(inFileAt: routesOptions.routes, plugins: Application.plugins)
    for schema in schemas {
      if let gap = schema.gap { printStatus("\(schema.eventType) is left open in part. \(gap)") }
    }
    guard let output else { return try printJSON(RouteSchema.any(of: schemas)) }
    let names = schemas.map { $0.eventType.lowercased() } + ["event"]
    guard Set(names).count == names.count else {
      throw CommandError(
        "event types that differ in case alone, or one called `event`, cannot have a file each; leave out --output")
    }
    let folder = URL(fileURLWithPath: output, isDirectory: true)
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      for schema in schemas { try write(schema.document, named: schema.eventType, to: folder) }
      try write(RouteSchema.any(of: schemas), named: "event", to: folder)
    } catch let error as CocoaError {
      throw CommandError("cannot write to \(output): \(error.localizedDescription)")
    }
  }

  private func write(_ document: JSONSchema, named name: String, to folder: URL) throws {
    // An event type can be any text.
    let name =
      name.addingPercentEncoding(withAllowedCharacters: .alphanumerics.union(.init(charactersIn: "._-"))) ?? name
    let file = folder.appendingPathComponent("\(name).schema.json")
    try Data("\(jsonText(document))\n".utf8).write(to: file)
    try show(file.relativePath)
  }
}
