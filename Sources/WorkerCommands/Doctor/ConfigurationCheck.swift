import Foundation
import WorkerKit

/// `routes.yaml`, and what can be seen in it without asking anyone.
struct ConfigurationCheck {
  let file: RoutesFile
  let problems: [ConfigurationProblem]
  /// Those that are looked at.
  let queues: [QueueConfiguration]
  let surroundings: DoctorSurroundings

  func findings() -> [Finding] {
    problems.map(finding) + summary + file.disabledQueues.map(disabled) + queues.compactMap(wrongRegion) + nothingToDo
  }

  private var summary: [Finding] {
    guard problems.isEmpty else { return [] }
    return [
      .ok(
        "\(surroundings.routes) is right: \(counted(file.queues.count, "queue")), \(counted(file.routes.count, "route"))"
      )
    ]
  }

  private func finding(_ problem: ConfigurationProblem) -> Finding {
    let isURLMissing =
      problem.message.contains("AWS_SQS_QUEUE_URL") && surroundings.variable("AWS_SQS_QUEUE_URL") == nil
    return Finding(
      .wrong, "\(problem)",
      remedy: isURLMissing
        ? [
          "export AWS_SQS_QUEUE_URL=https://sqs.us-east-1.amazonaws.com/123456789012/prizes",
          ". .worker/env   # for the queue of `dev`",
        ] : [])
  }

  private func disabled(_ queue: String) -> Finding {
    let isByVariable = surroundings.variable("AWS_SQS_ENABLED").map { $0 != "true" } ?? false
    return .warning(
      "queue \(queue) is disabled (`enabled: false`\(isByVariable ? ", AWS_SQS_ENABLED" : "")): nothing is received from it",
      remedy: isByVariable
        ? "export AWS_SQS_ENABLED=true" : "enabled: true   # queues.\(queue) of \(surroundings.routes)")
  }

  private var nothingToDo: [Finding] {
    guard problems.isEmpty, file.queues.isEmpty else { return [] }
    return [.warning("no queue is enabled: `run` ends at once")]
  }

  /// A queue's URL on AWS names its region, and a request that is signed for another is refused.
  private func wrongRegion(_ queue: QueueConfiguration) -> Finding? {
    guard let host = URL(string: queue.url)?.host(), let region = host.split(separator: ".").dropFirst().first,
      host.hasPrefix("sqs."), host.contains(".amazonaws.com"), region != queue.region,
      surroundings.endpoints(of: [queue]).first?.isAWS == true
    else { return nil }
    return .wrong(
      "queue \(queue.name) is in \(region) by its URL, and requests are signed for \(queue.region)",
      remedy: "export AWS_REGION=\(region)   # or queues.\(queue.name).region in \(surroundings.routes)")
  }
}
