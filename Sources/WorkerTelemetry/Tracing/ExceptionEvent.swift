import Tracing
import WorkerKit

/// OpenTelemetry's event for an error: `exception`.
enum ExceptionEvent {
  static let name = "exception"
  /// In characters: messages are sentences, and what is longer is likely to hold data.
  private static let maximumMessage = 500

  /// A ``ClassifiedError`` may say where it was thrown. Others carry neither a place nor a stack, and get none.
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
