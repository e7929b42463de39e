import Tracing
import WorkerHTTP
import WorkerKit

/// A request's span, and the headers that carry its context on. Without a tracer, the producer's context is passed on.
struct RequestTrace {
  private static let names = ["traceparent", "tracestate"]

  private let span: (any Span)?
  private(set) var headers: [(name: String, value: String)] = []

  init(to destination: Destination, context: HandlerContext) {
    guard !(InstrumentationSystem.instrument is NoOpInstrument) else {
      self.span = nil
      guard let parent = context.attributes["traceparent"]?.stringValue, Self.isTraceParent(parent) else { return }
      headers.append((name: "traceparent", value: parent))
      if let state = context.attributes["tracestate"]?.stringValue, !state.isEmpty, state.utf8.count <= 512,
        HTTPClientRequest.isFieldValue(state)
      {
        headers.append((name: "tracestate", value: state))
      }
      return
    }
    let span = startSpan("POST", ofKind: .client)
    // Neither the path nor the query: they can be secrets.
    span.attributes["http.request.method"] = "POST"
    span.attributes["server.address"] = destination.host
    span.attributes["server.port"] = destination.port
    var fields: [String: String] = [:]
    InstrumentationSystem.instrument.inject(span.context, into: &fields, using: FieldInjector())
    headers = Self.names.compactMap { name in fields[name].map { (name: name, value: $0) } }
    self.span = span
  }

  func end(with error: (any Error)?, status: Int? = nil) {
    guard let span else { return }
    span.attributes["http.response.status_code"] = status
    if let error {
      let kind = (error as? any ClassifiedError)?.kind.rawValue ?? "cancelled"
      span.attributes["error.type"] = status.map(String.init) ?? kind
      span.setStatus(SpanStatus(code: .error))
    }
    span.end()
  }

  /// Whether it is one of W3C's, so that nothing else reaches a header.
  private static func isTraceParent(_ text: String) -> Bool {
    text.wholeMatch(of: /[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}/) != nil
  }

  private struct FieldInjector: Injector {
    func inject(_ value: String, forKey key: String, into fields: inout [String: String]) {
      fields[key.lowercased()] = value
    }
  }
}
