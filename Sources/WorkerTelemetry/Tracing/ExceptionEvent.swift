import Tracing
import WorkerKit

/// OpenTelemetry's event for an error: `exception`.
enum ExceptionEvent {
  static let name = "exception"
  /// In characters: messages are sentences, and what is longer is likely to hold data.
  private static let maximumMessage = 500

  /// A ``LocatedError`` says where it was made. Others carry neither a place nor a stack, and get none.
  static func attributes(of error: any Error) -> SpanAttributes {
    var attributes: SpanAttributes = [
      "exception.type": .string(String(reflecting: type(of: error))),
      "exception.message": .string(String(String(describing: error).prefix(maximumMessage))),
    ]
    if let origin = (error as? any LocatedError)?.origin {
      attributes["exception.stacktrace"] = "at \(origin)"
      attributes["code.function.name"] = origin.function
      attributes["code.file.path"] = origin.file
      attributes["code.line.number"] = Int(origin.line)
    }
    return attributes
  }
}
