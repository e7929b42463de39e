/// A plugin that can say what keeps it from working, before it is made: what `worker doctor` shows of it.
///
///     extension RafflePlugin: PluginDiagnosis {
///       static func diagnose(_ configuration: ConfigurationValues) async -> [Finding] {
///         [.ok("up to \(configuration[limit]) can enter a raffle")]
///       }
///     }
///
/// ``PluginHealth`` is asked of a plugin that was made, and making it may change something: a database is created, its
/// schema is brought up to date. This looks at what is there, and changes nothing.
public protocol PluginDiagnosis: Plugin {
  /// Looks, and changes nothing that anybody would notice: no file is made, no schema is brought up to date.
  ///
  /// It may take ten seconds, and should heed its cancellation.
  ///
  /// - Returns: one finding for each thing that it looked at.
  static func diagnose(_ configuration: ConfigurationValues) async -> [Finding]
}
