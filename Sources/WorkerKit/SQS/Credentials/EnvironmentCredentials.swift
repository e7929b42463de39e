/// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`.
public struct EnvironmentCredentials: CredentialsProvider {
  public let name = "the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)"
  private let environment: [String: String]

  public init(environment: [String: String]) {
    self.environment = environment
  }

  public func credentials() throws -> Credentials? {
    let id = environment["AWS_ACCESS_KEY_ID"] ?? ""
    let secret = environment["AWS_SECRET_ACCESS_KEY"] ?? ""
    guard !id.isEmpty || !secret.isEmpty else { return nil }
    guard !id.isEmpty, !secret.isEmpty else {
      throw QueueError.credentials(
        "\(id.isEmpty ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY") is missing; set both or neither")
    }
    let token = environment["AWS_SESSION_TOKEN"] ?? ""
    return Credentials(accessKeyID: id, secretAccessKey: secret, sessionToken: token.isEmpty ? nil : token)
  }
}
