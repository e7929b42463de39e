public import WorkerKit

extension PrizePlugin: PluginDiagnosis {
  /// The database: its file, its tables' version, its catalog, and whether prizes could be written now.
  public static func diagnose(_ configuration: ConfigurationValues) async -> [Finding] {
    await configuration[database].findings(keepingKeysFor: configuration[keepHandledEvents])
  }
}
