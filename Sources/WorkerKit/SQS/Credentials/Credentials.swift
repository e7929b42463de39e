/// What requests to AWS are signed with. Printing it shows no secret.
public struct Credentials: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable
{
  public var accessKeyID: String
  public var secretAccessKey: String
  /// For credentials that last a while.
  public var sessionToken: String?

  public init(accessKeyID: String, secretAccessKey: String, sessionToken: String? = nil) {
    self.accessKeyID = accessKeyID
    self.secretAccessKey = secretAccessKey
    self.sessionToken = sessionToken
  }

  public var description: String { "Credentials(\(accessKeyID), …)" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: ["accessKeyID": accessKeyID]) }
}

/// One place where credentials can come from.
public protocol CredentialsProvider: Sendable {
  /// For people: "the environment", "profile default of ~/.aws/credentials".
  var name: String { get }

  /// - Returns: nil where this place has none, and the next may have.
  /// - Throws: where it has some that cannot be used.
  func credentials() async throws -> Credentials?
}
