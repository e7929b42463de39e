extension Duration {
  /// The duration in seconds.
  package var inSeconds: Double {
    Double(components.seconds) + Double(components.attoseconds) / 1e18
  }

  /// The duration for people: `3.1 ms`, `20.0 s`. It is formatted without Foundation's format styles, which call ICU:
  /// every message logs one.
  var brief: String {
    let (unit, tenths) = self < .milliseconds(999) ? ("ms", inSeconds * 10_000) : ("s", inSeconds * 10)
    let (whole, tenth) = Int(tenths.rounded()).quotientAndRemainder(dividingBy: 10)
    return "\(whole).\(tenth) \(unit)"
  }

  /// The duration as SQS accepts it: whole seconds, rounded up, never negative.
  package var inWholeSeconds: Int {
    Int(Swift.max(0, inSeconds.rounded(.up)))
  }
}
