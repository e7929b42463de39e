/// A plugin that can tell whether what it depends on is there: its database, a service that it calls.
///
/// When one of its handlers fails with ``ErrorKind/unavailable`` the plugin is asked. Where it says that it is down,
/// the worker takes in no more of its events, keeps those in hand without a receive lost, and asks again, less and less
/// often, until it is well. Without this, `unavailable` is an error like any other that may pass.
public protocol PluginHealth: Plugin {
  /// Returns where events can be handled, as far as a look can tell; it should do no more than look.
  ///
  /// It may take ten seconds, and should heed its cancellation.
  ///
  /// - Throws: what is wrong, in words for an operator.
  func checkHealth() async throws
}
