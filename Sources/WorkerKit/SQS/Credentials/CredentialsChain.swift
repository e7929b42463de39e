import Foundation
public import Logging

/// Credentials from the first place that has any, in the order of AWS's SDKs.
///
/// They are kept, and asked for again before they expire. With an hour to live:
///
/// | left | what a caller gets |
/// |---|---|
/// | more than 15 minutes | the kept ones |
/// | 15 to 5 minutes | the kept ones, while others are asked for in the background |
/// | less than 5 minutes | new ones; the kept ones once a try for others has failed |
/// | nothing | new ones, or the error |
///
/// What lives for less than an hour is renewed in its last quarter. However many callers there are, one request is
/// under way at a time, and while the kept ones are valid there is one a minute at most.
public actor CredentialsChain {
  private struct Kept {
    var credentials: Credentials
    /// How long before they expire others are asked for.
    var window: TimeInterval
    /// Then nobody waits for the next try while these are valid: it may take as long to fail.
    var hasRenewalFailed = false
  }

  private typealias Refresh = Watched<Result<Credentials, any Error>?>

  /// With this much left, or a quarter of the whole life, others are asked for.
  private static let longestWindow: TimeInterval = 900
  /// The part of the window in which callers wait for them.
  private static let waitingPart = 1.0 / 3
  private static let pause: TimeInterval = 60

  private let providers: [any CredentialsProvider]
  private let logger: Logger
  private let now: @Sendable () -> Date
  private var kept: Kept?
  /// The place that the kept ones came from, for people.
  package private(set) var source: String?
  private var refresh: Refresh?
  private var lastRefresh = Date.distantPast

  public init(_ providers: [any CredentialsProvider]) {
    self.init(providers, logger: Logger(label: "credentials"))
  }

  init(_ providers: [any CredentialsProvider], logger: Logger, now: @escaping @Sendable () -> Date = { Date() }) {
    self.providers = providers
    self.logger = logger
    self.now = now
  }

  /// The environment, a web identity token, the shared files, the container's endpoint, the instance's metadata.
  ///
  /// - Parameters:
  ///   - environment: Of the process.
  ///   - region: Whose STS is asked; that of `AWS_REGION` or `AWS_DEFAULT_REGION`, where none is given.
  ///   - client: Shared by all that speak HTTP in the process.
  public init(
    environment: [String: String], region: String? = nil, client: CurlClient? = nil, logger: Logger? = nil
  ) {
    self.init(CredentialsContext(environment: environment, region: region, http: client, logger: logger))
  }

  init(_ context: CredentialsContext) {
    self.init(
      [
        EnvironmentCredentials(environment: context.environment), WebIdentityCredentials(context),
        SharedFileCredentials(context), ContainerCredentials(context), InstanceMetadataCredentials(context),
      ],
      logger: context.logger, now: context.now)
  }

  /// - Throws: a ``QueueError``: with ``QueueError/Code/noCredentials`` where every place that was looked at has none,
  ///   or what is configured cannot work; `CancellationError`, which ends the waiting of this caller alone.
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
      // Also after one that went well: some places go on handing out the same for a while.
      guard abs(now().timeIntervalSince(lastRefresh)) >= Self.pause else { return kept.credentials }
      _ = startRefresh()
    }
    guard isWaitedFor else { return kept.credentials }
    do {
      return try await refreshed()
    } catch let error where !(error is CancellationError) {
      // Unless they have expired or were refused while this waited.
      guard let kept = self.kept?.credentials, kept.expiration.map({ $0 > now() }) ?? true else { throw error }
      return kept
    }
  }

  /// Forgets credentials that a service refused, unless others have taken their place.
  func forget(_ refused: Credentials) {
    if kept?.credentials == refused { kept = nil }
  }

  /// Waits for the refresh that is under way, or for one of its own.
  private func refreshed() async throws -> Credentials {
    let refresh = self.refresh ?? startRefresh()
    try await refresh.wait { $0 != nil }
    guard let result = refresh.value else { preconditionFailure("the wait ended before the refresh did") }
    return try result.get()
  }

  /// The task is nobody's child: a caller that is cancelled must not take it from the others. Its requests and programs
  /// all have time limits, so it ends.
  private func startRefresh() -> Refresh {
    let refresh = Refresh(nil)
    self.refresh = refresh
    lastRefresh = now()
    Task {
      let result = await find()
      finish(refresh, result)
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
          "the credentials could not be renewed; those at hand are used on, and it is tried again in a minute",
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
