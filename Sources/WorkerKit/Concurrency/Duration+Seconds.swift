extension Duration {
  /// As a number of seconds.
  package var inSeconds: Double {
    Double(components.seconds) + Double(components.attoseconds) / 1e18
  }

  /// As SQS takes it: whole seconds, rounded up, never negative.
  package var inWholeSeconds: Int {
    Int(Swift.max(0, inSeconds.rounded(.up)))
  }
}
