import Foundation
import WorkerKit
import WorkerSQS

/// The properties of a queue in its URL or ARN.
struct QueueAddress: Hashable {
  var region: String
  var account: String
  var name: String

  /// Parses a URL.
  ///
  /// - Parameter url: `https://sqs.us-east-1.amazonaws.com/123456789012/prizes`. The result is nil if it contains no
  ///   account, or no valid SQS queue name.
  init?(url: String, region: String?) {
    guard let queue = QueueURL(url), let account = queue.account,
      queue.name.wholeMatch(of: /[A-Za-z0-9_-]+(\.fifo)?/) != nil, queue.name.utf8.count <= 80
    else { return nil }
    self.region = region ?? queue.region ?? AWSSettings.fallbackRegion
    self.account = account
    name = queue.name
  }

  /// Parses an ARN.
  ///
  /// - Parameter arn: `arn:aws:sqs:us-east-1:123456789012:prizes`.
  init?(arn: String) {
    let parts = arn.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 6, parts[2] == "sqs", !parts[5].isEmpty else { return nil }
    (region, account, name) = (parts[3], parts[4], parts[5])
  }

  var arn: String {
    let partition = region.hasPrefix("cn-") ? "aws-cn" : region.hasPrefix("us-gov-") ? "aws-us-gov" : "aws"
    return "arn:\(partition):sqs:\(region):\(account):\(name)"
  }

  var isFIFO: Bool { name.hasSuffix(".fifo") }

  /// The conventional name of this queue's dead-letter queue.
  var deadLetterQueue: QueueAddress {
    var other = self
    other.name = isFIFO ? "\(name.dropLast(".fifo".count))-dlq.fifo" : "\(name)-dlq"
    return other
  }
}

/// Commands of the AWS CLI that fix problems, for the region and the endpoint of a queue.
struct AWSCommands {
  /// The maximum retention of messages, in seconds: 14 days.
  static let longestRetention = 1_209_600

  let endpoint: URL
  let region: String

  func createQueue(_ queue: QueueAddress) -> String {
    createQueue(queue, queue.isFIFO ? ["FifoQueue=true"] : [])
  }

  /// The command that creates a dead-letter queue with the maximum retention.
  func createDeadLetterQueue(_ queue: QueueAddress) -> String {
    createQueue(queue, (queue.isFIFO ? ["FifoQueue=true"] : []) + ["MessageRetentionPeriod=\(Self.longestRetention)"])
  }

  private func createQueue(_ queue: QueueAddress, _ attributes: [String]) -> String {
    command(
      "create-queue",
      ["--queue-name", queue.name] + (attributes.isEmpty ? [] : ["--attributes", attributes.joined(separator: ",")]))
  }

  func setRedrivePolicy(of url: String, to target: QueueAddress, maxReceiveCount: Int) -> String {
    let policy = #"{"deadLetterTargetArn":"\#(target.arn)","maxReceiveCount":\#(maxReceiveCount)}"#
    let attributes = #"{"RedrivePolicy":"\#(policy.replacing("\"", with: #"\""#))"}"#
    return command("set-queue-attributes", ["--queue-url", url, "--attributes", attributes])
  }

  func setLongestRetention(of url: String) -> String {
    set("MessageRetentionPeriod", "\(Self.longestRetention)", of: url)
  }

  func set(_ attribute: String, _ value: String, of url: String) -> String {
    command("set-queue-attributes", ["--queue-url", url, "--attributes", "\(attribute)=\(value)"])
  }

  private func command(_ operation: String, _ arguments: [String]) -> String {
    let options = ["--region", region] + (endpoint.isAWS ? [] : ["--endpoint-url", endpoint.address])
    return (["aws", "sqs", operation] + arguments + options).map(shellQuoted).joined(separator: " ")
  }
}

extension URL {
  /// Whether the URL is an endpoint of AWS.
  var isAWS: Bool {
    QueueURL.isAWS(host: host() ?? "")
  }

  /// The URL as people write it, without a trailing slash.
  var address: String {
    absoluteString.hasSuffix("/") ? String(absoluteString.dropLast()) : absoluteString
  }

  var isLoopback: Bool {
    let host = host() ?? ""
    return host == "localhost" || host.hasPrefix("127.") || host == "::1" || host == "[::1]"
  }
}

/// A word that a shell interprets literally.
func shellQuoted(_ text: String) -> String {
  let isPlain =
    !text.isEmpty
    && text.utf8.allSatisfy { byte in
      Character(UnicodeScalar(byte)).isLetter && byte < 0x80 || (0x30...0x39).contains(byte)
        || "-_./:=@,".utf8.contains(byte)
    }
  return isPlain ? text : "'\(text.replacing("'", with: #"'\''"#))'"
}
