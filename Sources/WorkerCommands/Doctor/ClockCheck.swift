import Foundation
import WorkerHTTP
import WorkerKit

/// Compares the local clock with the clock of the queue's server.
struct ClockCheck {
  let endpoint: URL
  let client: CurlClient

  func finding() async -> Finding {
    let sent = Date()
    let response: HTTPClientResponse
    do {
      // The request is not signed, so that neither a wrong clock nor another problem prevents it. An error response has
      // the time as well.
      response = try await client.execute(
        HTTPClientRequest(
          method: "POST", url: endpoint.absoluteString,
          headers: [("Content-Type", "application/x-amz-json-1.0"), ("X-Amz-Target", "AmazonSQS.ListQueues")],
          body: Array("{}".utf8), timeout: DoctorSurroundings.patience))
    } catch {
      return .skipped("not compared: \(error)")
    }
    guard let theirs = response.date else {
      return .skipped("not compared, because \(endpoint.address) does not say what time it is")
    }
    let now = Date()
    let ours = sent.addingTimeInterval(now.timeIntervalSince(sent) / 2)
    return Self.finding(skew: ours.timeIntervalSince(theirs), from: endpoint.host() ?? endpoint.address)
  }

  /// The finding for a clock difference.
  ///
  /// - Parameter skew: By how many seconds the local clock is ahead.
  static func finding(skew: TimeInterval, from host: String) -> Finding {
    let seconds = Int(abs(skew).rounded())
    let difference =
      "this machine's clock is \(seconds < 120 ? "\(seconds) s" : "\(seconds / 60) min") \(skew > 0 ? "ahead of" : "behind") that of \(host)"
    switch abs(skew) {
    case ..<60: return .ok(seconds < 2 ? "as that of \(host)" : difference)
    case ...300: return .warning("\(difference); AWS refuses what is more than 5 min off", remedy: fix)
    default: return .wrong("\(difference); AWS refuses signatures that are more than 5 min off", remedy: fix)
    }
  }

  private static let fix = "sudo timedatectl set-ntp true"
}
