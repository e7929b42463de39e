public import ArgumentParser

/// A plugin that adds commands to the binary that carries it: `worker prizes holdings …`.
public protocol PluginCommands: Plugin {
  /// The commands, each with its own subcommands where it has any.
  static var commands: [any AsyncParsableCommand.Type] { get }
}
