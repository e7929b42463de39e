import Instrumentation
import Tracing

/// A span around every message, the child of the producer's where the message carries its context.
struct TracingMiddleware: Middleware {
  func handle(_ context: HandlerContext, next: @escaping Next) async throws {
    var parent = ServiceContext.current ?? .topLevel
    InstrumentationSystem.instrument.extract(context.attributes, into: &parent, using: AttributeExtractor())
    try await withSpan("sqs.process_message", context: parent, ofKind: .consumer) { span in
      span.updateAttributes { attributes in
        attributes["messaging.system"] = "aws_sqs"
        attributes["messaging.operation.name"] = "process"
        attributes["messaging.operation.type"] = "process"
        attributes["messaging.destination.name"] = context.queue
        attributes["messaging.message.id"] = context.messageID
        attributes["worker.route"] = context.eventType
        attributes["worker.receive_count"] = context.receiveCount
      }
      do {
        try await next(context)
      } catch let failure as Failure {
        span.attributes["error.type"] = failure.kind.rawValue
        throw failure
      }
    }
  }

  /// The W3C id of the trace that a message is handled in: the current task's, else the producer's where no tracer is
  /// at work here.
  static func traceID(of message: ReceivedMessage) -> String? {
    var carrier: [String: String] = [:]
    if let context = ServiceContext.current {
      InstrumentationSystem.instrument.inject(context, into: &carrier, using: DictionaryInjector())
    }
    // version-traceid-parentid-flags
    let parent = carrier["traceparent"] ?? message.attributes["traceparent"]?.stringValue ?? ""
    let parts = parent.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count >= 4, parts[1].count == 32, parts[1].allSatisfy({ $0.isASCII && $0.isHexDigit }) else {
      return nil
    }
    return String(parts[1])
  }
}

private struct AttributeExtractor: Extractor {
  func extract(key: String, from attributes: [String: MessageAttribute]) -> String? {
    attributes[key]?.stringValue
  }
}

private struct DictionaryInjector: Injector {
  func inject(_ value: String, forKey key: String, into carrier: inout [String: String]) {
    carrier[key] = value
  }
}
