import Foundation
import WorkerHTTP
import WorkerKit

/// Converts error responses of SQS into ``QueueError`` values that an operator can act on.
enum SQSError {
  private struct Body: Decodable {
    var type: String?
    var message: String?

    private enum CodingKeys: String, CodingKey {
      case type = "__type"
      case message
      case capitalMessage = "Message"
    }

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      type = try container.decodeIfPresent(String.self, forKey: .type)
      message =
        try container.decodeIfPresent(String.self, forKey: .message)
        ?? container.decodeIfPresent(String.self, forKey: .capitalMessage)
    }
  }

  /// The error of a response.
  ///
  /// - Parameter operation: The operation's name, such as `ReceiveMessage`, to report a missing permission.
  static func make(_ response: HTTPClientResponse, operation: String) -> QueueError {
    // The body may be a proxy's HTML, or empty; in that case the status determines the error.
    let body = try? JSONDecoder().decode(Body.self, from: Data(response.body))
    let code = code(header: response[header: "x-amzn-query-error"], type: body?.type, status: response.status)
    return make(
      code: code, message: body?.message ?? "HTTP status \(response.status)", operation: operation,
      status: response.status, requestID: response.requestID)
  }

  /// The error of an entry in the `Failed` list of a batch response.
  static func make(
    code: String, message: String, operation: String, status: Int? = nil, requestID: String? = nil
  ) -> QueueError {
    var error = QueueError(
      code: .init(rawValue: code), kind: kind(code: code, status: status), message: message, status: status,
      requestID: requestID)
    if let advice = advice(error, operation: operation) {
      error.message +=
        message.hasSuffix(".") ? " \(advice.prefix(1).uppercased())\(advice.dropFirst())." : "; \(advice)"
    }
    return error
  }

  /// The error code. The header contains the code of the older Query protocol, which tools and people know; `__type`
  /// contains the code of the JSON protocol.
  private static func code(header: String?, type: String?, status: Int) -> String {
    if let code = header?.split(separator: ";").first, !code.isEmpty {
      return code.trimmingCharacters(in: .whitespaces)
    }
    if let name = type?.split(separator: "#").last, !name.isEmpty {
      return String(name)
    }
    return "HTTP\(status)"
  }

  private static let throttled: Set = [
    "RequestThrottled", "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottledException",
    "TooManyRequestsException", "RequestLimitExceeded", "BandwidthLimitExceeded", "LimitExceededException", "SlowDown",
    "KmsThrottled", "KMS.ThrottlingException", "OverLimit", "AWS.SimpleQueueService.OverLimit",
  ]
  private static let transient: Set = [
    "RequestTimeout", "RequestTimeoutException", "PriorRequestNotComplete", "InternalFailure", "InternalError",
    "ServiceUnavailable",
  ]
  /// The codes of clock skew, and codes that clock skew can cause.
  static let clockSkew: Set = [
    "RequestTimeTooSkewed", "RequestExpired", "InvalidSignatureException", "SignatureDoesNotMatch", "AuthFailure",
    "RequestInTheFuture",
  ]
  static let refusedCredentials: Set = [
    "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException",
  ]

  private static func kind(code: String, status: Int?) -> ErrorKind {
    if throttled.contains(code) || status == 429 { return .throttled }
    if transient.contains(code) || (status ?? 0) >= 500 { return .unavailable }
    if QueueError(code: .init(rawValue: code), kind: .notFound, message: "").isQueueMissing { return .notFound }
    if clockSkew.contains(code) || refusedCredentials.contains(code) { return .unavailable }
    return .badRequest
  }

  private static func advice(_ error: QueueError, operation: String) -> String? {
    if error.isQueueMissing {
      return "check the queue's URL (AWS_SQS_QUEUE_URL), its account and its region"
    }
    if error.isAccessDenied {
      return "allow sqs:\(operation.replacing("Batch", with: "")) on the queue to these credentials"
    }
    if refusedCredentials.contains(error.code.rawValue) {
      return "renew the credentials, or name others in AWS_PROFILE or AWS_ACCESS_KEY_ID"
    }
    if clockSkew.contains(error.code.rawValue) {
      return "check this machine's clock, AWS_SECRET_ACCESS_KEY and the queue's region"
    }
    return nil
  }
}
