/// What the console holds in memory and waits for at most; tests use other limits.
package struct ConsoleLimits: Sendable {
  /// How long a plugin may take for a page.
  package var pluginPage = Duration.seconds(10)
  /// How much a list keeps of the dead letters' bodies and attributes, in bytes.
  package var bodies = 48 << 20
  /// How long a page waits for the receive of one dead letter.
  package var receive = Duration.seconds(20)

  package init() {}
}
