/// A plugin that can diagnose its configuration without being created. `worker doctor` shows its findings.
///
///     extension RafflePlugin: PluginDiagnosis {
///       static func diagnose(_ configuration: ConfigurationValues) async -> [Finding] {
///         [.ok("up to \(configuration[limit]) can enter a raffle")]
///       }
///     }
///
/// ``PluginHealth`` checks a plugin that exists, and creating a plugin may change something: create a database or
/// migrate its schema. A diagnosis only reads.
public protocol PluginDiagnosis: WorkerPlugin {
  /// Checks the plugin's configuration and dependencies. It makes no visible change: it creates no file and migrates no
  /// schema.
  ///
  /// It has ten seconds, and should respond to cancellation.
  ///
  /// - Returns: One finding for each check.
  static func diagnose(_ configuration: ConfigurationValues) async -> [Finding]
}
