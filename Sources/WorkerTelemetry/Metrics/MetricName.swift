/// Converts names and labels to Prometheus's rules.
enum MetricName {
  /// Replaces dots and other invalid characters of a name by underscores: `messaging.process.duration` becomes
  /// `messaging_process_duration`.
  static func metric(_ label: String, unit: String? = nil, isCounter: Bool = false) -> String {
    var name = sanitized(label) { isASCIILetter($0) || isDigit($0) || $0 == "_" || $0 == ":" }
    if isCounter, name.hasSuffix("_total") {
      name.removeLast("_total".count)
    }
    if let unit, !name.hasSuffix("_\(unit)") {
      name += "_\(unit)"
    }
    return name
  }

  /// Formats labels between braces, sorted by name, so that their order in the code does not create another series.
  ///
  /// A label with an empty value is omitted. If two names become equal, their values are joined, as OpenTelemetry
  /// specifies.
  static func labels(_ dimensions: [(String, String)]) -> String {
    var values: [String: [String]] = [:]
    for (name, value) in dimensions where !value.isEmpty {
      values[label(name), default: []].append(value)
    }
    return values.sorted { $0.key < $1.key }
      .map { name, values in #"\#(name)="\#(escaped(values.joined(separator: ";")))""# }
      .joined(separator: ",")
  }

  /// Escapes a text.
  ///
  /// - Parameter quotes: Whether double quotes are escaped. Label values require it; help texts only in OpenMetrics.
  static func escaped(_ text: String, quotes: Bool = true) -> String {
    guard text.unicodeScalars.contains(where: { "\\\n\"".unicodeScalars.contains($0) }) else { return text }
    // By scalars: in Swift, a carriage return and a line feed are one character.
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": result.append(contentsOf: #"\\"#.unicodeScalars)
      case "\n": result.append(contentsOf: #"\n"#.unicodeScalars)
      case "\"" where quotes: result.append(contentsOf: #"\""#.unicodeScalars)
      default: result.append(scalar)
      }
    }
    return String(result)
  }

  private static func label(_ name: String) -> String {
    let name = sanitized(name) { isASCIILetter($0) || isDigit($0) || $0 == "_" }
    // `le` belongs to histograms, and Prometheus reserves names with two leading underscores.
    return name == "le" ? "le_" : name.hasPrefix("__") ? "x\(name)" : name
  }

  private static func sanitized(_ text: String, isAllowed: (Unicode.Scalar) -> Bool) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      result.append(isAllowed(scalar) ? scalar : "_")
    }
    guard let first = result.first, !isDigit(first) else { return "_\(String(result))" }
    return String(result)
  }

  private static func isASCIILetter(_ scalar: Unicode.Scalar) -> Bool {
    ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
  }

  private static func isDigit(_ scalar: Unicode.Scalar) -> Bool {
    ("0"..."9").contains(scalar)
  }
}
