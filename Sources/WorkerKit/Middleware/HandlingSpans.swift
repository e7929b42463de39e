import Tracing

/// Creates a span for every message. If the message carries its producer's context, the span belongs to the producer's
/// trace or links to it.
struct HandlingSpans {
  var configuration: TracingConfiguration

  /// Starts a message's span.
  ///
  /// - Returns: nil if there is no tracer.
  func start(_ context: HandlerContext) -> (any Span)? {
    guard !(InstrumentationSystem.instrument is NoOpInstrument) else { return nil }
    var producer = ServiceContext.topLevel
    MessageContext.extract(context.attributes, traceHeader: context.traceHeader, into: &producer)
    let parent = configuration.producer == .parent ? producer : .topLevel
    let span = startSpan(
      configuration.spanName(.process, context.queue), context: parent, ofKind: .consumer)
    if configuration.producer == .link, !producer.isEmpty {
      span.addLink(SpanLink(context: producer, attributes: [:]))
    }
    if span.isRecording { describe(context, in: span) }
    return span
  }

  private func describe(_ context: HandlerContext, in span: any Span) {
    span.updateAttributes { attributes in
      attributes["messaging.system"] = "aws_sqs"
      attributes["messaging.operation.name"] = "process"
      attributes["messaging.operation.type"] = "process"
      attributes["messaging.destination.name"] = context.queue
      attributes["messaging.message.id"] = context.messageID
      attributes["worker.route"] = context.eventType
      attributes["worker.receive_count"] = context.receiveCount
    }
  }

  func record(_ error: any Error, in span: any Span) {
    guard let failure = error as? HandlingFailure else {
      span.attributes["error.type"] = "cancelled"
      return span.setStatus(SpanStatus(code: .error, message: "the worker stops, or the message's lease was lost"))
    }
    span.attributes["error.type"] = failure.kind.rawValue
    span.setStatus(SpanStatus(code: .error, message: failure.message))
    var attributes: SpanAttributes = [
      "exception.type": .string(failure.errorType), "exception.message": .string(failure.message),
    ]
    if let location = failure.location {
      attributes["code.function.name"] = location.function
      attributes["code.file.path"] = location.fileID
      attributes["code.line.number"] = location.line
    }
    if !failure.causes.isEmpty {
      attributes["exception.stacktrace"] = failure.causes.map { "caused by \($0)" }.joined(separator: "\n")
    }
    span.addEvent(SpanEvent(name: "exception", attributes: attributes))
  }
}
