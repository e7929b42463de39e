extension Duration {
  /// As a number of seconds.
  package var inSeconds: Double {
    Double(components.seconds) + Double(components.attoseconds) / 1e18
  }

  /// For people: `3.1 ms`, `20.0 s`. By hand, for it is in the line of every message, and Foundation's styles ask ICU.
  var brief: String {
    let (unit, tenths) = self < .milliseconds(999) ? ("ms", inSeconds * 10_000) : ("s", inSeconds * 10)
    let (whole, tenth) = Int(tenths.rounded()).quotientAndRemainder(dividingBy: 10)
    return "\(whole).\(tenth) \(unit)"
  }

  /// As SQS takes it: whole seconds, rounded up, never negative.
  package var inWholeSeconds: Int {
    Int(Swift.max(0, inSeconds.rounded(.up)))
  }
}
