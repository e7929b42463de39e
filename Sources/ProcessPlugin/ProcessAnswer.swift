import Foundation
import WorkerKit

/// A line that a process of mode `worker` has written.
enum ProcessAnswer {
  case ready
  /// - Parameter failure: nil where the event was handled.
  case outcome(id: String, failure: EventError?)

  /// A line that is no answer.
  struct Broken: Error {
    /// What is wrong with it; holds no part of it.
    var reason: String
  }

  private struct Fields: Decodable {
    var ready: Bool?
    var id: String?
    var outcome: String?
    var kind: String?
    var message: String?
    var field: String?
    var retryAfter: RetryAfter?
  }

  /// Seconds, or a duration such as `30s`.
  private struct RetryAfter: Decodable {
    var duration: Duration

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let seconds = try? container.decode(Double.self), seconds >= 0, seconds < 1e9 {
        duration = .seconds(seconds)
      } else if let found = (try? container.decode(String.self)).flatMap(Duration.init(configurationText:)) {
        duration = found
      } else {
        throw DecodingError.dataCorruptedError(in: container, debugDescription: "")
      }
    }
  }

  init(_ line: LineSplitter.Line, retryAfterMax: Duration) throws(Broken) {
    guard !line.isCut else { throw Broken(reason: "a line of more than \(LineSplitter.limit) bytes") }
    let fields: Fields
    do {
      fields = try JSONDecoder().decode(Fields.self, from: Data(line.bytes))
    } catch DecodingError.typeMismatch(_, let context), DecodingError.dataCorrupted(let context) {
      guard let field = context.codingPath.first?.stringValue else {
        throw Broken(reason: "a line that is no JSON object; standard output is for answers, print to standard error")
      }
      throw Broken(reason: "an answer whose `\(field)` is of the wrong type")
    } catch {
      throw Broken(reason: "a line that is no JSON object; standard output is for answers, print to standard error")
    }
    if fields.ready == true, fields.id == nil {
      self = .ready
      return
    }
    guard let id = fields.id else { throw Broken(reason: "an answer without `id`") }
    switch fields.outcome {
    case "handled": self = .outcome(id: id, failure: nil)
    case "failed": self = .outcome(id: id, failure: Self.failure(fields, retryAfterMax))
    default: throw Broken(reason: "an answer whose `outcome` is neither `handled` nor `failed`")
    }
  }

  private static func failure(_ fields: Fields, _ retryAfterMax: Duration) -> EventError {
    let retryAfter = fields.retryAfter.map { min($0.duration, retryAfterMax) }
    let field = fields.field.map { String($0.prefix(200)) }
    let message = fields.message.flatMap { $0.isEmpty ? nil : $0 } ?? "the program says that it failed, and not why"
    let named = fields.kind ?? ErrorKind.unexpected.rawValue
    // Others would be labels of metrics.
    guard let kind = ErrorKind.standard.first(where: { $0.rawValue == named }) else {
      let known = ErrorKind.standard.map(\.rawValue).joined(separator: ", ")
      return EventError(
        .unexpected, "\(message) (the program gives it a kind that is none of \(known))", field: field,
        retryAfter: retryAfter)
    }
    return EventError(kind, message, field: field, retryAfter: retryAfter)
  }
}
