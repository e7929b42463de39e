import WorkerHTTP
import WorkerKit

/// Headers of a route's own: the key `headers`. Their values are secrets.
struct WebhookHeaders: ConfigurationValue {
  static let configurationDescription = #"a mapping such as { Authorization: "Bearer ${TOKEN}" }"#

  /// In lower case: what the worker itself says in each request, and what is the connection's own.
  private static let reserved: Set = [
    "connection", "content-encoding", "content-length", "content-type", "expect", "idempotency-key", "keep-alive",
    "te", "trailer", "traceparent", "tracestate", "transfer-encoding", "upgrade", "webhook-id", "webhook-signature",
    "webhook-timestamp",
  ]

  var entries: [(name: String, value: String)] = []

  init() {}

  init?(configurationText text: String) { nil }

  init(configuration input: ConfigurationInput) throws(ConfigurationValueError) {
    guard case .mapping(let mapping) = input else {
      throw ConfigurationValueError("must be \(Self.configurationDescription)")
    }
    var problems: [ConfigurationValueError.Problem] = []
    var seen: Set<String> = []
    for (name, value) in mapping.sorted(by: { $0.key < $1.key }) {
      if let problem = Self.problem(of: name) {
        problems.append(.init(path: [.name(name)], message: problem))
      } else if !seen.insert(name.lowercased()).inserted {
        problems.append(.init(path: [.name(name)], message: "must not stand here twice, with other capitals"))
      }
      guard case .text(let text) = value, HTTPClientRequest.isFieldValue(text) else {
        problems.append(
          .init(path: [.value(of: name)], message: "must be one text without line breaks and control characters"))
        continue
      }
      entries.append((name, text))
    }
    if !problems.isEmpty { throw ConfigurationValueError(problems) }
  }

  private static func problem(of name: String) -> String? {
    let lower = name.lowercased()
    if !HTTPClientRequest.isToken(name) { return "must be a header's name, such as Authorization" }
    if reserved.contains(lower) || lower.hasPrefix("ce-") {
      return "is a header that the worker sets itself; leave it out"
    }
    return nil
  }

  func contains(_ name: String) -> Bool {
    entries.contains { $0.name.lowercased() == name }
  }
}

extension WebhookHeaders: CustomStringConvertible {
  /// For the documentation of the default.
  var description: String { "{}" }
}
