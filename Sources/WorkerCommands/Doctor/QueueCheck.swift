import Foundation
import WorkerKit
import WorkerSQS

/// Checks a queue, its dead-letter queue and the permissions on both.
struct QueueCheck {
  let queue: QueueConfiguration
  let file: RoutesFile
  /// nil where the configuration does not say where to ask it.
  let worker: RunningWorker?
  let hasCredentials: Bool
  let surroundings: DoctorSurroundings

  func run(_ report: DoctorReport) async {
    do {
      let inspector = try QueueInspector(
        url: queue.url, region: queue.region, client: surroundings.client, credentials: surroundings.credentials,
        environment: surroundings.environment)
      let commands = AWSCommands(
        endpoint: try QueueInspector.endpoint(of: queue.url, environment: surroundings.environment),
        region: queue.region ?? AWSSettings.fallbackRegion)
      await run(report, inspector, commands)
    } catch {
      report.add([.wrong((error as? QueueError)?.message ?? "\(error)")], on: .queue(queue.name))
    }
  }

  private func run(_ report: DoctorReport, _ inspector: QueueInspector, _ commands: AWSCommands) async {
    guard hasCredentials else {
      report.add([.skipped("not tried, because there are no credentials")], on: .queue(queue.name))

      return
    }
    let attempt = await Self.result { try await inspector.attributes() }
    report.add([reachability(attempt, commands)], on: .queue(queue.name))
    let attributes = try? attempt.get()
    var deadLetters: DeadLetterQueueState?
    if let attributes {
      report.add(contentBasedDeduplication(attributes, commands), on: .queue(queue.name))
      let backlog = BacklogCheck(queue: queue, worker: worker, surroundings: surroundings) {
        (try? await inspector.attributes())?["ApproximateNumberOfMessages"].flatMap { Int($0) }
      }
      report.add(await backlog.findings(), on: .backlog(queue.name))
      let check = RedriveCheck(queue: queue, attributes: attributes, surroundings: surroundings, commands: commands)
      let found = await check.readState(inspector)
      deadLetters = found
      report.add(check.findings(found), on: .redrive(queue.name))
      report.add(check.deadLetterFindings(found), on: .deadLetters(queue.name))
    }
    report.add(visibility(attributes), on: .visibility(queue.name))
    if attributes != nil || attempt.error?.isAccessDenied == true {
      let check = PermissionsCheck(queue: queue, inspector: inspector, attributes: attempt, deadLetters: deadLetters)
      report.add(await check.queueFindings(), on: .permissions(queue.name))
      report.add(await check.deadLetterFindings(), on: .permissions(queue.name))
    }
  }

  /// SQS hashes only the body: it drops one of two events that differ only in their keys.
  private func contentBasedDeduplication(_ attributes: [String: String], _ commands: AWSCommands) -> [Finding] {
    guard attributes["ContentBasedDeduplication"] == "true" else { return [] }
    return [
      .warning(
        "of two events with the same body within five minutes, SQS drops the second, whatever its IdempotencyKey: it has "
          + "content-based deduplication, which works for events sent without a MessageDeduplicationId; let the producer "
          + "choose one for each event",
        remedy: commands.set("ContentBasedDeduplication", "false", of: withoutSecrets(queue.url)))
    ]
  }

  private func visibility(_ attributes: [String: String]?) -> [Finding] {
    VisibilityCheck(queue: queue, routes: file.routes, attributes: attributes).findings()
  }

  /// Runs a request with a time limit.
  static func result<Success: Sendable>(
    _ body: @escaping @Sendable () async throws -> Success
  ) async -> Result<Success, QueueError> {
    do {
      return .success(try await within(DoctorSurroundings.patience, body))
    } catch let error as QueueError {
      return .failure(error)
    } catch {
      return .failure(QueueError(code: .connection, kind: .network, message: "\(error)"))
    }
  }

  private func reachability(_ attributes: Result<[String: String], QueueError>, _ commands: AWSCommands) -> Finding {
    switch attributes {
    case .success(let attributes):
      let names = [
        ("ApproximateNumberOfMessages", "waiting"), ("ApproximateNumberOfMessagesNotVisible", "in flight"),
        ("ApproximateNumberOfMessagesDelayed", "delayed"),
      ]
      let counts = names.map { "\(attributes[$0.0] ?? "?") \($0.1)" }
      return .ok("reachable, \(counts.joined(separator: ", "))")
    case .failure(let error) where error.isAccessDenied:
      return .skipped("it answers, and does not let its attributes be read (see permissions)")
    case .failure(let error) where error.isQueueMissing:
      return Finding(
        .wrong, "\(withoutSecrets(queue.url)): \(error.message)",
        remedy: QueueAddress(url: queue.url, region: queue.region).map { [commands.createQueue($0)] } ?? [])
    case .failure(let error) where error.code == .connection:
      return unreachable(error, commands.endpoint)
    case .failure(let error):
      return Finding(.wrong, "\(error)", remedy: remedy(error).map { [$0] } ?? [])
    }
  }

  private func unreachable(_ error: QueueError, _ endpoint: URL) -> Finding {
    let message = "\(endpoint.address): \(error.message)"
    if endpoint.isLoopback {
      let port = endpoint.port.map { " --port \($0)" } ?? ""
      return .wrong(message, remedy: "\(binaryName) local-queue\(port)   # or whatever should listen there")
    }
    return .wrong(message, remedy: "curl -v \(shellQuoted(endpoint.address))   # from this machine")
  }

  private func remedy(_ error: QueueError) -> String? {
    switch error.code.rawValue {
    case "RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture": "sudo timedatectl set-ntp true"
    case "SignatureDoesNotMatch", "InvalidSignatureException":
      "export AWS_SECRET_ACCESS_KEY=…   # the secret of that access key; or correct the queue's region or the clock"
    case "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException":
      "aws sts get-caller-identity   # once they are renewed"
    default: nil
    }
  }
}

extension Result {
  var error: Failure? {
    if case .failure(let error) = self { error } else { nil }
  }
}
