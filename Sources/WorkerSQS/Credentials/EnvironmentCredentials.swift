import WorkerKit

/// Credentials in the environment: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`.
public struct EnvironmentCredentials: CredentialsProvider {
  public let name = "the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)"
  private let settings: AWSSettings

  /// Creates the source.
  ///
  /// - Parameter environment: The environment variables of the process.
  public init(environment: [String: String]) {
    settings = AWSSettings(environment: environment)
  }

  public func credentials() throws -> Credentials? {
    let id = try settings["AWS_ACCESS_KEY_ID"]
    let secret = try settings["AWS_SECRET_ACCESS_KEY"]
    guard id != nil || secret != nil else { return nil }
    guard let id, let secret else {
      throw QueueError.credentials(
        "\(id == nil ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY") is missing; set both or neither")
    }
    return Credentials(accessKeyID: id, secretAccessKey: secret, sessionToken: try settings["AWS_SESSION_TOKEN"])
  }
}
