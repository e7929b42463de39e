public import Foundation
import WorkerKit

/// AWS credentials for signing requests. Their descriptions contain no secret.
public struct Credentials: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable
{
  /// The access key id.
  public var accessKeyID: String
  /// The secret access key.
  public var secretAccessKey: String
  /// The session token of temporary credentials.
  public var sessionToken: String?
  /// When the credentials expire; nil for credentials without an expiration.
  public var expiration: Date?

  /// Creates credentials.
  public init(accessKeyID: String, secretAccessKey: String, sessionToken: String? = nil, expiration: Date? = nil) {
    self.accessKeyID = accessKeyID
    self.secretAccessKey = secretAccessKey
    self.sessionToken = sessionToken
    self.expiration = expiration
  }

  /// The access key id, without the secrets.
  public var description: String { "Credentials(\(accessKeyID), …)" }
  /// The access key id, without the secrets.
  public var debugDescription: String { description }
  /// A mirror with only the access key id.
  public var customMirror: Mirror { Mirror(self, children: ["accessKeyID": accessKeyID]) }
}

extension Credentials {
  /// Creates credentials from the output of a service or a program. Surrounding white space is removed.
  ///
  /// - Parameter source: The source, for messages.
  /// - Throws: A ``QueueError`` if a part is empty or contains a line break, because the parts are sent in headers.
  init(
    accessKeyID: String?, secretAccessKey: String?, sessionToken: String?, expiration: Date?, from source: String
  ) throws {
    func part(_ text: String?, _ name: String) throws -> String? {
      try text?.settingValue(from: "the \(name) of \(source)")
    }
    guard let id = try part(accessKeyID, "AccessKeyId"), let secret = try part(secretAccessKey, "SecretAccessKey")
    else {
      let missing = accessKeyID?.nonEmpty == nil ? "AccessKeyId" : "SecretAccessKey"
      throw QueueError.credentials("the answer of \(source) has no \(missing); check what answers there")
    }
    self.init(
      accessKeyID: id, secretAccessKey: secret, sessionToken: try part(sessionToken, "SessionToken"),
      expiration: expiration)
  }
}

/// A source of credentials.
public protocol CredentialsProvider: Sendable {
  /// The source for people: "the environment", "profile default of ~/.aws/credentials".
  var name: String { get }

  /// Requests credentials from the source. It does not cache; ``CredentialsChain`` does.
  ///
  /// - Returns: nil if the source has no credentials, so that the next source is tried.
  /// - Throws: If the source has credentials that cannot be used, or if they are temporarily unavailable.
  func credentials() async throws -> Credentials?
}
