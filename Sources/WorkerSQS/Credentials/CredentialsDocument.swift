import Foundation
import WorkerKit

/// The JSON document with credentials that container endpoints, instance metadata and `credential_process` return.
struct CredentialsDocument: Decodable {
  /// Used by `credential_process` only.
  var version: Int?
  /// `Success` or the error, in instance metadata. Container endpoints send it only for errors.
  var code: String?
  var message: String?
  private var accessKeyID: String?
  private var secretAccessKey: String?
  private var token: String?
  private var expiration: String?

  private enum CodingKeys: String, CodingKey {
    case version = "Version"
    case code = "Code"
    case smallCode = "code"
    case message = "Message"
    case smallMessage = "message"
    case accessKeyID = "AccessKeyId"
    case secretAccessKey = "SecretAccessKey"
    case token = "Token"
    case sessionToken = "SessionToken"
    case expiration = "Expiration"
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    func text(_ keys: CodingKeys...) throws -> String? {
      for key in keys {
        if let value = try container.decodeIfPresent(String.self, forKey: key), !value.isEmpty { return value }
      }
      return nil
    }
    version = try container.decodeIfPresent(Int.self, forKey: .version)
    code = try text(.code, .smallCode)
    message = try text(.message, .smallMessage)
    accessKeyID = try text(.accessKeyID)
    secretAccessKey = try text(.secretAccessKey)
    token = try text(.token, .sessionToken)
    expiration = try text(.expiration)
  }

  /// Returns nil if the bytes are not a JSON object. It throws no decoding error, which could quote a secret.
  init?(_ bytes: some Sequence<UInt8>) {
    guard let document = try? JSONDecoder().decode(Self.self, from: Data(bytes)) else { return nil }
    self = document
  }

  /// Returns the credentials of the document.
  ///
  /// - Parameter source: The source, for messages.
  func credentials(from source: String) throws -> Credentials {
    try Credentials(
      accessKeyID: accessKeyID, secretAccessKey: secretAccessKey, sessionToken: token,
      expiration: try expiration.map { try Self.date($0, from: source) }, from: source)
  }

  /// Parses a date such as `2026-11-24T13:00:00Z`, with optional fractions of a second or an offset. Older CLIs write
  /// `UTC` instead of `Z`.
  static func date(_ text: String, from source: String) throws -> Date {
    let text = text.hasSuffix("UTC") ? "\(text.dropLast(3))Z" : text
    for style in [Date.ISO8601FormatStyle(), Date.ISO8601FormatStyle(includingFractionalSeconds: true)] {
      if let date = try? style.parse(text) { return date }
    }
    throw QueueError.credentials(
      "\(source) says when its credentials expire as `\(QueueError.excerpt(text))`; it must be a date such as "
        + "2026-11-24T13:00:00Z")
  }
}
