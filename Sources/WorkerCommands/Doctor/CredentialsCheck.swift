import Foundation
import WorkerKit

/// Where the credentials come from, whose they are, and how long they last.
struct CredentialsCheck {
  let queues: [QueueConfiguration]
  let surroundings: DoctorSurroundings

  func finding() async -> Finding {
    let credentials: Credentials
    do {
      // As the chain itself, which is patient with programs and metadata services.
      credentials = try await within(.seconds(10)) { [chain = surroundings.credentials] in
        try await chain.credentials()
      }
    } catch let error as QueueError {
      return .wrong(error.message)
    } catch {
      return .wrong("\(error)")
    }
    let source = await surroundings.credentials.source ?? "an unknown place"
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
          for: credentials, region: queues.first?.region ?? surroundings.variable("AWS_REGION") ?? "us-east-1",
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

  /// AWS's, or one that the environment names. AWS is not asked about the keys that a local queue takes.
  private var asksSTS: Bool {
    surroundings.variable("AWS_ENDPOINT_URL_STS") != nil || surroundings.variable("AWS_ENDPOINT_URL") != nil
      || knownEndpoints.contains(where: \.isAWS)
  }

  /// The queues'; where `routes.yaml` gives none that is right, the variable's that it commonly names.
  private var knownEndpoints: [URL] {
    let endpoints = surroundings.endpoints(of: queues)
    guard endpoints.isEmpty, let url = surroundings.variable("AWS_SQS_QUEUE_URL") else { return endpoints }
    return [try? QueueInspector.endpoint(of: url, environment: surroundings.environment)].compactMap(\.self)
  }

  /// `AWS_ENDPOINT_URL` stands for all services, and what answers there may be a queue alone.
  private func isForNoSTS(_ error: QueueError) -> Bool {
    surroundings.variable("AWS_ENDPOINT_URL") != nil && surroundings.variable("AWS_ENDPOINT_URL_STS") == nil
      && !error.isAccessDenied
  }

  private func unknown(_ about: String, _ why: String) -> Finding {
    if surroundings.variable("AWS_ENDPOINT_URL_STS") == nil, surroundings.variable("AWS_ENDPOINT_URL") != nil {
      return .ok("\(about); no STS answers at AWS_ENDPOINT_URL, so whose they are is not known")
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

  /// Enough to tell keys apart.
  private func shortened(_ accessKeyID: String) -> String {
    accessKeyID.count > 12 ? "\(accessKeyID.prefix(4))…\(accessKeyID.suffix(4))" : accessKeyID
  }
}
