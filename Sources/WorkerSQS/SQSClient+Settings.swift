import Foundation
import WorkerHTTP
import WorkerKit

extension SQSClient {
  /// Creates a client for a queue's URL and the AWS settings.
  ///
  /// - Parameter region: The region; nil for the region of the settings.
  /// - Throws: A ``QueueError`` that describes the invalid URL or setting.
  convenience init(
    queueURL: String, region: String?, credentials: CredentialsChain, environment: [String: String],
    execute: @escaping @Sendable (HTTPClientRequest) async throws -> HTTPClientResponse
  ) throws {
    self.init(
      endpoint: try Self.endpoint(ofQueueAt: queueURL, environment: environment),
      region: try region ?? Self.region(ofQueueAt: queueURL, environment: environment),
      credentials: credentials, execute: execute)
  }

  static func queueURL(_ text: String) throws -> QueueURL {
    try checked("InvalidEndpoint") {
      guard let url = QueueURL(text) else {
        throw QueueError.credentials(
          "the queue's URL must be such as https://sqs.us-east-1.amazonaws.com/123456789012/prizes, but it is "
            + "`\(QueueError.excerpt(text.withoutUserInfo))`")
      }
      return url
    }
  }

  static func region(ofQueueAt url: String, environment: [String: String]) throws -> String {
    try checked("InvalidRegion") { try AWSSettings(environment: environment).region(ofQueueAt: url) }
  }

  /// The endpoint of requests: the configured endpoint, or the host of the queue's URL.
  static func endpoint(ofQueueAt url: String, environment: [String: String]) throws -> URL {
    let queue = try queueURL(url)
    let configured = try checked("InvalidEndpoint") { try AWSSettings(environment: environment).endpoint(of: .sqs) }
    guard let url = configured?.url ?? AWSSettings.Endpoint.url(queue.text, keepsPath: false) else {
      preconditionFailure("a queue's URL has a scheme and a host")
    }
    return url
  }

  /// Reports an invalid setting with its own code, because it does not concern credentials.
  private static func checked<Value>(_ code: String, _ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch let error as QueueError {
      throw QueueError(code: .init(rawValue: code), kind: .badRequest, message: error.message)
    }
  }
}
