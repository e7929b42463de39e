/// Whose credentials are, as STS knows it.
package struct CallerIdentity: Sendable, Hashable {
  /// `arn:aws:iam::123456789012:user/bot`, `arn:aws:sts::123456789012:assumed-role/bot/session`.
  package let arn: String
  package let account: String

  /// Asks STS, at the place that the environment names or at the region's.
  ///
  /// - Throws: a ``QueueError`` where it refuses, an ``HTTPError`` where there is no answer.
  package static func ask(
    for credentials: Credentials, region: String, environment: [String: String], client: CurlClient
  ) async throws -> CallerIdentity {
    let context = CredentialsContext(environment: environment, region: region, http: client)
    return try await STSClient(context).identity(of: credentials)
  }
}
