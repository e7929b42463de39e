import Foundation
import WorkerKit
import WorkerSQS

extension QueueConfiguration {
  /// The queue with the region that its requests are signed for. The region stays nil if the settings cannot be read,
  /// which is reported for the queue.
  func withRegion(environment: [String: String]) -> QueueConfiguration {
    var queue = self
    queue.region = region ?? (try? AWSSettings(environment: environment).region(ofQueueAt: url))
    return queue
  }

  /// The region in the queue's URL if requests go to AWS but are signed for another region. AWS rejects such requests.
  func foreignRegion(environment: [String: String]) -> String? {
    guard let own = QueueURL(url)?.region, let region = withRegion(environment: environment).region, own != region,
      (try? QueueInspector.endpoint(of: url, environment: environment))?.isAWS == true
    else { return nil }
    return own
  }
}

/// Checks the regions for `check`, which sends no requests.
///
/// - Throws: A ``ConfigurationError`` if AWS would reject every request to a queue.
func checkRegions(of queues: [QueueConfiguration], routes: String) throws {
  let environment = ProcessInfo.processInfo.environment
  let problems = queues.compactMap { queue in
    queue.foreignRegion(environment: environment).map { region in
      ConfigurationProblem(
        file: routes, line: 1, column: 1,
        message:
          "queues.\(queue.name) is in \(region) by its URL, and requests are signed for "
          + "\(queue.withRegion(environment: environment).region ?? "another region"); set AWS_REGION, or its `region`, "
          + "to \(region)")
    }
  }
  if !problems.isEmpty { throw ConfigurationError(problems: problems) }
}
