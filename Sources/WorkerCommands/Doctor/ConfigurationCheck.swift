import Foundation
import WorkerKit

/// Checks `routes.yaml` without network requests.
struct ConfigurationCheck {
  let file: RoutesFile
  let problems: [ConfigurationProblem]
  /// The queues to check.
  let queues: [QueueConfiguration]
  let surroundings: DoctorSurroundings

  func findings() -> [Finding] {
    problems.map(finding) + summary + file.disabledQueues.map(disabled) + queues.compactMap(wrongRegion) + nothingToDo
  }

  private var summary: [Finding] {
    guard problems.isEmpty else { return [] }
    return [
      .ok(
        "\(surroundings.routes) is valid: \(counted(file.queues.count, "queue")), \(counted(file.routes.count, "route"))"
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
    return [.warning("no queue is enabled, so `run` exits at once")]
  }

  private func wrongRegion(_ queue: QueueConfiguration) -> Finding? {
    guard let region = queue.foreignRegion(environment: surroundings.environment) else { return nil }
    return .wrong(
      "queue \(queue.name) is in \(region) by its URL, and requests are signed for \(queue.region ?? "another")",
      remedy: "export AWS_REGION=\(region)   # or queues.\(queue.name).region in \(surroundings.routes)")
  }
}
