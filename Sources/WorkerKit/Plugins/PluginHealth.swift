/// A plugin that can check whether its dependencies, such as a database or a service, are available.
///
/// When one of its handlers fails with ``ErrorKind/unavailable``, ``ErrorKind/timeout``, ``ErrorKind/network`` or
/// ``ErrorKind/throttled``, the worker calls ``checkHealth()``. If the check fails, the plugin's circuit breaker opens:
/// the worker receives no more of its events, keeps those in flight without using up their retries, and repeats the
/// check after 1, 2, 4, … up to 30 seconds until it passes.
///
/// The check makes the worker detect the start and the end of an outage sooner. Even if the check passes, the circuit
/// breaker opens if at least two events fail with these kinds and none is handled for ten seconds; it then closes after
/// one event succeeds. Without a check, the ten-second rule decides alone, and one failing event is enough unless it
/// only times out.
public protocol PluginHealth: WorkerPlugin {
  /// Returns if the plugin can handle events. It should only read.
  ///
  /// It has ten seconds, and should respond to cancellation.
  ///
  /// - Throws: The problem, with a description for operators.
  func checkHealth() async throws
}
