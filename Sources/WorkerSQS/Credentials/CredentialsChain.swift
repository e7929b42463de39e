import Foundation
public import Logging
public import WorkerHTTP
import WorkerKit

/// Credentials from the first source that has any, in the order of AWS's SDKs.
///
/// The chain caches credentials and refreshes them before they expire. For credentials that are valid for an hour:
///
/// | remaining validity | the caller receives |
/// |---|---|
/// | more than 15 minutes | the cached credentials |
/// | 15 to 5 minutes | the cached credentials, while a background task refreshes them |
/// | less than 5 minutes | new credentials; the cached ones if a refresh has failed |
/// | none | new credentials, or the error |
///
/// Credentials with a shorter validity are refreshed in its last quarter. At most one refresh runs at a time,
/// regardless of the number of callers. While the cached credentials are valid, at most one refresh a minute starts.
public actor CredentialsChain {
  private struct Kept {
    var credentials: Credentials
    /// How long before the expiration a refresh starts, in seconds.
    var window: TimeInterval
    /// Whether a refresh has failed. If so, callers do not wait for the next one while the credentials are valid,
    /// because it may take as long to fail.
    var hasRenewalFailed = false
  }

  private typealias Refresh = AsyncValue<Result<Credentials, any Error>?>

  /// The maximum time before the expiration at which a refresh starts. The limit for short-lived credentials is a
  /// quarter of their validity.
  private static let longestWindow: TimeInterval = 900
  /// The fraction of the window in which callers wait for the refresh.
  private static let waitingPart = 1.0 / 3
  private static let pause: TimeInterval = 60

  private let providers: [any CredentialsProvider]
  private let logger: Logger
  private let now: @Sendable () -> Date
  private var kept: Kept?
  /// The source of the cached credentials, for people.
  package private(set) var source: String?
  private var refresh: Refresh?
  private var lastRefresh = Date.distantPast

  /// Creates a chain of sources, in the order in which they are tried.
  public init(_ providers: [any CredentialsProvider]) {
    self.init(providers, logger: Logger(label: "credentials"))
  }

  init(_ providers: [any CredentialsProvider], logger: Logger, now: @escaping @Sendable () -> Date = { Date() }) {
    self.providers = providers
    self.logger = logger
    self.now = now
  }

  /// Creates the standard chain: the environment, a web identity token, the shared files, the container's endpoint, the
  /// instance's metadata.
  ///
  /// - Parameters:
  ///   - environment: The environment variables of the process.
  ///   - region: The region of the STS endpoint. The default is `AWS_REGION` or `AWS_DEFAULT_REGION`.
  ///   - client: The HTTP client, usually shared by the whole process.
  public init(
    environment: [String: String], region: String? = nil, client: CurlClient? = nil, logger: Logger? = nil
  ) {
    self.init(CredentialsContext(environment: environment, region: region, http: client, logger: logger))
  }

  init(_ context: CredentialsContext) {
    self.init(
      [
        EnvironmentCredentials(environment: context.settings.environment), WebIdentityCredentials(context),
        SharedFileCredentials(context), ContainerCredentials(context), InstanceMetadataCredentials(context),
      ],
      logger: context.logger, now: context.now)
  }

  /// Returns valid credentials.
  ///
  /// - Throws: A ``QueueError``, with ``QueueError/Code/noCredentials`` if no source has credentials or if the
  ///   configured ones cannot work; `CancellationError`, which affects only this caller.
  package func credentials() async throws -> Credentials {
    guard let kept, let expiration = kept.credentials.expiration else {
      if let kept { return kept.credentials }
      return try await refreshed()
    }
    let left = expiration.timeIntervalSince(now())
    guard left > 0 else { return try await refreshed() }
    guard left <= kept.window else { return kept.credentials }
    let isWaitedFor = left <= kept.window * Self.waitingPart && !kept.hasRenewalFailed
    if refresh == nil {
      // The pause also follows a successful refresh: some sources return the same credentials for a while.
      guard abs(now().timeIntervalSince(lastRefresh)) >= Self.pause else { return kept.credentials }
      _ = startRefresh()
    }
    guard isWaitedFor else { return kept.credentials }
    do {
      return try await refreshed()
    } catch let error where !(error is CancellationError) {
      // Unless the credentials expired or were rejected during the wait.
      guard let kept = self.kept?.credentials, kept.expiration.map({ $0 > now() }) ?? true else { throw error }
      return kept
    }
  }

  /// Removes cached credentials that a service rejected, unless they were already replaced.
  func forget(_ refused: Credentials) {
    if kept?.credentials == refused { kept = nil }
  }

  /// Waits for the running refresh, or starts one.
  private func refreshed() async throws -> Credentials {
    let refresh = self.refresh ?? startRefresh()
    try await refresh.wait { $0 != nil }
    guard let result = refresh.value else { preconditionFailure("the wait ended before the refresh did") }
    return try result.get()
  }

  /// Starts a refresh. Its task is unstructured: the cancellation of one caller must not cancel it for the others. It
  /// ends, because all its requests and programs have time limits. It runs on the worker's thread, because leases
  /// depend on it even if handlers block Swift's pool.
  private func startRefresh() -> Refresh {
    let refresh = Refresh(nil)
    self.refresh = refresh
    lastRefresh = now()
    Task(executorPreference: WorkerThread.shared) {
      let result = await self.find()
      await self.finish(refresh, result)
    }
    return refresh
  }

  private func finish(_ refresh: Refresh, _ result: Result<Credentials, any Error>) {
    switch result {
    case .success(let credentials):
      let life = credentials.expiration.map { $0.timeIntervalSince(now()) } ?? .infinity
      kept = Kept(credentials: credentials, window: min(Self.longestWindow, life / 4))
    case .failure(let error):
      kept?.hasRenewalFailed = true
      if let expiration = kept?.credentials.expiration, expiration > now() {
        logger.warning(
          "the credentials could not be renewed; the current ones stay in use, and the worker retries in a minute",
          metadata: ["error": "\(error)", "expiration": "\(expiration.formatted(.iso8601))"])
      }
    }
    self.refresh = nil
    refresh.update { $0 = result }
  }

  private func find() async -> Result<Credentials, any Error> {
    do {
      for provider in providers {
        guard let found = try await provider.credentials() else { continue }
        if let expiration = found.expiration, expiration <= now() {
          throw QueueError(
            code: .credentialsUnavailable, kind: .unavailable,
            message: """
              the credentials of \(provider.name) expired at \(expiration.formatted(.iso8601)); renew them, and check \
              this machine's clock
              """)
        }
        logger.debug(
          "credentials found",
          metadata: [
            "source": "\(provider.name)", "accessKeyId": "\(found.accessKeyID)",
            "expiration": "\(found.expiration?.formatted(.iso8601) ?? "never")",
          ])
        source = provider.name
        return .success(found)
      }
      throw QueueError.credentials(
        """
        no AWS credentials found in \(providers.map(\.name).joined(separator: ", nor in ")); \
        export AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile in AWS_PROFILE, or give the task, pod or \
        instance a role. A local SQS-compatible server takes any values
        """)
    } catch {
      return .failure(error)
    }
  }
}
