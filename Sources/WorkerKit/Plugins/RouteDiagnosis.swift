/// A plugin that can say what keeps its routes from working, by what they say under `with`: what `worker doctor` shows beside the
/// findings of ``PluginDiagnosis``.
public protocol RouteDiagnosis: WorkerPlugin {
  /// Looks, and changes nothing that anybody would notice. It may take ten seconds, and should heed its cancellation.
  ///
  /// - Parameter routes: Those that name a handler of the plugin, in the file's order.
  /// - Returns: a finding for each check.
  static func diagnose(_ routes: [RouteOptions]) async -> [Finding]
}

/// A route, and what it gives its handler.
public struct RouteOptions: Sendable {
  /// The route: the `eventType` of its events.
  public let eventType: String
  /// `<plugin>.<handler>`.
  public let handlerName: String
  /// What stands under `with`, checked.
  public let options: ConfigurationValues

  /// A route, as `routes.yaml` has it.
  public init(eventType: String, handlerName: String, options: ConfigurationValues) {
    self.eventType = eventType
    self.handlerName = handlerName
    self.options = options
  }
}
