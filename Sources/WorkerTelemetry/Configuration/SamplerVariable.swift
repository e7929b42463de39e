extension OpenTelemetryConfiguration {
  /// The values of `OTEL_TRACES_SAMPLER`.
  private enum SamplerName: String, CaseIterable {
    case alwaysOn = "always_on"
    case alwaysOff = "always_off"
    case ratio = "traceidratio"
    case parentBasedAlwaysOn = "parentbased_always_on"
    case parentBasedAlwaysOff = "parentbased_always_off"
    case parentBasedRatio = "parentbased_traceidratio"
  }

  static func sampler(_ reader: inout EnvironmentReader) -> Sampler {
    switch reader.choice("OTEL_TRACES_SAMPLER", otherwise: SamplerName.parentBasedAlwaysOn) {
    case .alwaysOn: .alwaysOn
    case .alwaysOff: .alwaysOff
    case .ratio: .ratio(ratio(&reader))
    case .parentBasedAlwaysOn: .parentBased(.alwaysOn)
    case .parentBasedAlwaysOff: .parentBased(.alwaysOff)
    case .parentBasedRatio: .parentBased(.ratio(ratio(&reader)))
    }
  }

  private static func ratio(_ reader: inout EnvironmentReader) -> Double {
    let variable = "OTEL_TRACES_SAMPLER_ARG"
    guard let value = reader.text(variable)?.value else { return 1 }
    if let ratio = Double(value), (0...1).contains(ratio) { return ratio }
    reader.warn(variable, "it must be a number from 0 to 1, but it is `\(value)`; every trace is taken")
    return 1
  }
}
