import Tracing
import WorkerKit

/// OpenTelemetry's `exception` event.
enum ExceptionEvent {
  static let name = "exception"
  /// In characters. Messages are sentences; a longer one probably contains data.
  private static let maximumMessage = 500

  /// The attributes of an error. A ``ClassifiedError`` may have a location. Other errors have neither a location nor a
  /// stack.
  static func attributes(of error: any Error) -> SpanAttributes {
    var attributes: SpanAttributes = [
      "exception.type": .string(String(reflecting: type(of: error))),
      "exception.message": .string(String(String(describing: error).prefix(maximumMessage))),
    ]
    if let location = (error as? any ClassifiedError)?.location {
      attributes["exception.stacktrace"] = "at \(location.function) (\(location))"
      attributes["code.function.name"] = location.function
      attributes["code.file.path"] = location.fileID
      attributes["code.line.number"] = location.line
    }
    return attributes
  }
}
