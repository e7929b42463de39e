import Tracing

/// The size limits of a span. Data above the limits is dropped and counted in the span.
package struct SpanLimits: Sendable, Hashable {
  package var attributes = 128
  /// The maximum length of string values in characters; nil for no limit.
  package var valueLength: Int?
  package var events = 128
  package var eventAttributes = 128
  package var links = 128
  package var linkAttributes = 128

  /// Applies the limits.
  ///
  /// - Returns: The attributes within the limits, those of `kept` first, and the number of dropped attributes.
  func applied(to new: SpanAttributes, count: Int, keeping kept: SpanAttributes = [:]) -> (SpanAttributes, Int) {
    guard new.count > count || valueLength != nil else { return (new, 0) }
    var result: SpanAttributes = [:]
    var later: [(String, SpanAttribute)] = []
    new.forEach { name, value in
      if kept.get(name) != nil {
        result.set(name, value: shortened(value))
      } else {
        later.append((name, value))
      }
    }
    for (name, value) in later.prefix(max(0, count - result.count)) {
      result.set(name, value: shortened(value))
    }
    return (result, new.count - result.count)
  }

  private func shortened(_ value: SpanAttribute) -> SpanAttribute {
    guard let valueLength else { return value }
    return switch value {
    case .string(let text): .string(String(text.prefix(valueLength)))
    case .stringConvertible(let value): .string(String("\(value)".prefix(valueLength)))
    case .stringArray(let texts): .stringArray(texts.map { String($0.prefix(valueLength)) })
    case .stringConvertibleArray(let values): .stringArray(values.map { String("\($0)".prefix(valueLength)) })
    default: value
    }
  }
}
