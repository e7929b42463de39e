import Foundation
import HTTPTestSupport
import InMemoryLogging
import Logging
import WorkerHTTP
import WorkerKit
import WorkerLocks
import WorkerTesting

@testable import WorkerSQS

/// A home directory, an environment and a time of day of the test's own, so that the machine's stay out of it.
final class CredentialsHarness: Sendable {
  let home: URL
  private let log = InMemoryLogHandler()
  let clock = ManualClock()
  private let date = Mutex(Date(timeIntervalSince1970: 1_800_000_000))
  private let http = CurlClient(environment: [:])

  init() throws {
    home = FileManager.default.temporaryDirectory.appending(path: "credentials-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(at: home)
  }

  var now: Date { date.withLock { $0 } }

  /// Everything that was logged, with its metadata.
  var logged: [String] { log.entries.map { "\($0.level): \($0.message) \($0.metadata)" } }
  var warnings: [String] { logged.filter { $0.hasPrefix("warning") } }

  func advance(by seconds: TimeInterval) {
    date.withLock { $0.addTimeInterval(seconds) }
  }

  /// The time of day, some seconds from now, as AWS writes it.
  func time(in seconds: TimeInterval) -> String {
    now.addingTimeInterval(seconds).formatted(.iso8601)
  }

  /// - Returns: the file's path.
  @discardableResult
  func write(_ contents: String, to path: String) throws -> String {
    let url = home.appending(path: path)
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try contents.write(to: url, atomically: true, encoding: .utf8)
    return url.path
  }

  func context(_ environment: [String: String] = [:]) -> CredentialsContext {
    let standard = ["HOME": home.path, "AWS_EC2_METADATA_DISABLED": "true", "PATH": "/usr/bin:/bin"]
    return CredentialsContext(
      environment: standard.merging(environment) { $1 }, region: "eu-central-1", http: http,
      logger: Logger(label: "test") { [log] _ in log }, clock: WorkerClock(clock), now: { self.now })
  }

  func chain(_ environment: [String: String] = [:]) -> CredentialsChain {
    CredentialsChain(context(environment))
  }

  func chain(_ providers: any CredentialsProvider...) -> CredentialsChain {
    CredentialsChain(providers, logger: Logger(label: "test") { [log] _ in log }, now: { self.now })
  }
}

extension CredentialsChain {
  /// Why there are none.
  nonisolated func error() async throws -> QueueError {
    do {
      _ = try await credentials()
    } catch let error as QueueError {
      return error
    }
    throw FoundCredentials()
  }

  /// Where an error was expected.
  private struct FoundCredentials: Error {}
}

/// Pairs of a form, decoded.
func formValues(_ body: String) -> [String: String] {
  var components = URLComponents()
  components.percentEncodedQuery = body
  return Dictionary(components.queryItems?.map { ($0.name, $0.value ?? "") } ?? []) { $1 }
}

/// STS's answer to an assumed role.
func stsAnswer(_ id: String, expiration: String) -> ScriptedServer.Answer {
  .init(
    body: """
      <AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
        <AssumeRoleResult>
          <AssumedRoleUser><Arn>arn:aws:sts::1:assumed-role/bot/x</Arn></AssumedRoleUser>
          <Credentials>
            <AccessKeyId>\(id)</AccessKeyId><SecretAccessKey>hush/\(id)</SecretAccessKey>
            <SessionToken>tok&amp;en</SessionToken><Expiration>\(expiration)</Expiration>
          </Credentials>
        </AssumeRoleResult>
      </AssumeRoleResponse>
      """)
}
