import Foundation

/// Credentials from the first place that has any, in the order of AWS's SDKs. Kept until they are refused.
public actor CredentialsChain {
  private let providers: [any CredentialsProvider]
  private var kept: Credentials?

  public init(_ providers: [any CredentialsProvider]) {
    self.providers = providers
  }

  /// The environment, then the shared files.
  public init(environment: [String: String]) {
    self.init([EnvironmentCredentials(environment: environment), SharedFileCredentials(environment: environment)])
  }

  /// - Throws: a ``QueueError`` with ``QueueError/Code/noCredentials`` that names every place that was looked at.
  func credentials() async throws -> Credentials {
    if let kept { return kept }
    for provider in providers {
      if let found = try await provider.credentials() {
        kept = found
        return found
      }
    }
    throw QueueError(
      code: .noCredentials, kind: .unavailable,
      message: """
        no AWS credentials found in \(providers.map(\.name).joined(separator: ", nor in ")); \
        export AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile in AWS_PROFILE. A local SQS-compatible \
        server takes any values
        """)
  }

  /// Forgets credentials that a service refused, unless others have taken their place.
  func forget(_ refused: Credentials) {
    if kept == refused { kept = nil }
  }
}
