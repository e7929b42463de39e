import Foundation
import WorkerKit
import WorkerSQS

/// Checks the credentials: their source, their identity and their expiration.
struct CredentialsCheck {
  let queues: [QueueConfiguration]
  let surroundings: DoctorSurroundings

  func finding() async -> Finding {
    let credentials: Credentials
    do {
      // A longer limit than usual: the credentials chain waits for programs and metadata services.
      credentials = try await within(.seconds(10)) { [chain = surroundings.credentials] in
        try await chain.credentials()
      }
    } catch let error as QueueError {
      return .wrong(error.message)
    } catch {
      return .wrong("\(error)")
    }
    let source = await surroundings.credentials.source ?? "an unknown source"
    var about = "access key \(shortened(credentials.accessKeyID)) from \(source)"
    if let expiration = credentials.expiration {
      about += ", good until \(expiration.formatted(.iso8601))"
    }
    return await identified(credentials, about)
  }

  private func identified(_ credentials: Credentials, _ about: String) async -> Finding {
    guard asksSTS else {
      let why = knownEndpoints.isEmpty ? "while no queue of AWS's is known" : "for a local queue"
      return .ok("\(about); STS is not asked \(why)")
    }
    do {
      let identity = try await within(DoctorSurroundings.patience) { [queues, surroundings] in
        try await CallerIdentity.ask(
          for: credentials, region: queues.first?.region,
          environment: surroundings.environment, client: surroundings.client)
      }
      return .ok("\(identity.arn), \(about)\(foreign(identity))")
    } catch let error as QueueError where error.status == nil || isForNoSTS(error) {
      return unknown(about, "\(error)")
    } catch let error as QueueError {
      return .wrong("\(about): STS answers \(error)", remedy: "aws sts get-caller-identity   # once they are renewed")
    } catch {
      return unknown(about, "\(error)")
    }
  }

  /// Whether to query STS: AWS's endpoint or a configured one. AWS is not queried for the credentials of a local queue.
  private var asksSTS: Bool {
    configuredSTS != nil || knownEndpoints.contains(where: \.isAWS)
  }

  /// The endpoints of the queues. If `routes.yaml` contains no valid queue, the endpoint in the variable that it
  /// usually names.
  private var knownEndpoints: [URL] {
    let endpoints = surroundings.endpoints(of: queues)
    guard endpoints.isEmpty, let url = surroundings.variable("AWS_SQS_QUEUE_URL") else { return endpoints }
    return [try? QueueInspector.endpoint(of: url, environment: surroundings.environment)].compactMap(\.self)
  }

  private var configuredSTS: AWSSettings.Endpoint? {
    try? AWSSettings(environment: surroundings.environment).endpoint(of: .sts)
  }

  /// Whether the error means that there is no STS: an endpoint for all services may serve only queues.
  private func isForNoSTS(_ error: QueueError) -> Bool {
    configuredSTS?.isForAllServices == true && !error.isAccessDenied
  }

  private func unknown(_ about: String, _ why: String) -> Finding {
    if let configuredSTS, configuredSTS.isForAllServices {
      return .ok("\(about); no STS answers at \(configuredSTS.origin), so whose they are is not known")
    }
    return .warning(
      "\(about); whose they are is not known, because STS cannot be asked: \(why)",
      remedy: "aws sts get-caller-identity")
  }

  private func foreign(_ identity: CallerIdentity) -> String {
    let accounts = Set(queues.compactMap { QueueAddress(url: $0.url, region: $0.region)?.account })
    guard knownEndpoints.contains(where: \.isAWS), !accounts.isEmpty,
      !accounts.contains(identity.account)
    else { return "" }
    return
      "; the queue is account \(accounts.sorted().joined(separator: ", "))'s, so its own policy must allow them, too"
  }

  /// The key shortened, but still distinguishable from others.
  private func shortened(_ accessKeyID: String) -> String {
    accessKeyID.count > 12 ? "\(accessKeyID.prefix(4))…\(accessKeyID.suffix(4))" : accessKeyID
  }
}
