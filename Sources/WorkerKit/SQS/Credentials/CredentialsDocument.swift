import Foundation

/// The JSON in which containers' endpoints, instances and `credential_process` hand out credentials.
struct CredentialsDocument: Decodable {
  /// `credential_process` alone.
  var version: Int?
  /// Instances alone: `Success`, or what is wrong. Containers' endpoints say with it what is wrong.
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

  /// nil where it is no JSON object; a decoder's error could quote a secret.
  init?(_ bytes: some Sequence<UInt8>) {
    guard let document = try? JSONDecoder().decode(Self.self, from: Data(bytes)) else { return nil }
    self = document
  }

  /// - Parameter source: For people.
  func credentials(from source: String) throws -> Credentials {
    guard let accessKeyID, let secretAccessKey else {
      let missing = accessKeyID == nil ? "AccessKeyId" : "SecretAccessKey"
      throw QueueError.credentials("the answer of \(source) has no \(missing); check what answers there")
    }
    return Credentials(
      accessKeyID: accessKeyID, secretAccessKey: secretAccessKey, sessionToken: token,
      expiration: try expiration.map { try Self.date($0, from: source) })
  }

  /// `2026-11-24T13:00:00Z`, with fractions of a second or an offset; older CLIs wrote `UTC` for `Z`.
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
