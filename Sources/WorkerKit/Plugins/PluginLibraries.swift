/// A plugin that runs on libraries of the system, whose versions `worker --version` prints.
///
///     extension ArchivePlugin: PluginLibraries {
///       static var libraries: [String] { ["libarchive \(archive_version_number())"] }
///     }
public protocol PluginLibraries: WorkerPlugin {
  /// A name and a version each: `libpq 15.18`.
  static var libraries: [String] { get }
}
