public import Foundation

/// What requests to AWS are signed with. Printing it shows no secret.
public struct Credentials: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable
{
  public var accessKeyID: String
  public var secretAccessKey: String
  /// For credentials that last a while.
  public var sessionToken: String?
  /// When they stop working; nil for those that last until someone withdraws them.
  public var expiration: Date?

  public init(accessKeyID: String, secretAccessKey: String, sessionToken: String? = nil, expiration: Date? = nil) {
    self.accessKeyID = accessKeyID
    self.secretAccessKey = secretAccessKey
    self.sessionToken = sessionToken
    self.expiration = expiration
  }

  public var description: String { "Credentials(\(accessKeyID), …)" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: ["accessKeyID": accessKeyID]) }
}

/// One place where credentials can come from.
public protocol CredentialsProvider: Sendable {
  /// For people: "the environment", "profile default of ~/.aws/credentials".
  var name: String { get }

  /// Asks anew each time; the ``CredentialsChain`` keeps what it gets.
  ///
  /// - Returns: nil where this place has none, and the next may have.
  /// - Throws: where it has some that cannot be used, or that could not be had this time.
  func credentials() async throws -> Credentials?
}
