public import ArgumentParser

/// A plugin that adds commands to its worker binary: `worker prizes holdings …`.
public protocol PluginCommands: WorkerPlugin {
  /// The commands, with their subcommands.
  static var commands: [any AsyncParsableCommand.Type] { get }
}
