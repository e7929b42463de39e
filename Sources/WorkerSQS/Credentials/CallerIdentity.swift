package import WorkerHTTP

/// The identity of credentials, as STS reports it.
package struct CallerIdentity: Sendable, Hashable {
  /// `arn:aws:iam::123456789012:user/bot`, `arn:aws:sts::123456789012:assumed-role/bot/session`.
  package let arn: String
  package let account: String

  /// Requests the identity from STS, at the configured endpoint or at the region's.
  ///
  /// - Throws: A ``QueueError`` if STS rejects the request; an ``HTTPClientError`` if there is no response.
  package static func ask(
    for credentials: Credentials, region: String?, environment: [String: String], client: CurlClient
  ) async throws -> CallerIdentity {
    let context = CredentialsContext(environment: environment, region: region, http: client)
    return try await STSClient(context).identity(of: credentials)
  }
}
