import Tracing

/// An ended span, as it is exported.
struct FinishedSpan: Sendable {
  struct Event: Sendable {
    var name: String
    var nanosecondsSinceEpoch: UInt64
    var attributes: SpanAttributes
    var droppedAttributes = 0
  }

  struct Link: Sendable {
    var context: SpanContext
    var attributes: SpanAttributes
    var droppedAttributes = 0
  }

  var context: SpanContext
  var parent: SpanContext?
  var name: String
  var kind: SpanKind
  /// Nanoseconds since 1970, as for the end.
  var start: UInt64
  var end: UInt64
  var attributes: SpanAttributes
  var droppedAttributes = 0
  var events: [Event] = []
  var droppedEvents = 0
  var links: [Link] = []
  var droppedLinks = 0
  var status: SpanStatus?
}
