import Foundation
import WorkerKit

/// What a queue's URL or ARN says of it.
struct QueueAddress: Hashable {
  var region: String
  var account: String
  var name: String

  /// - Parameter url: `https://sqs.us-east-1.amazonaws.com/123456789012/prizes`; nil where it names no account.
  init?(url: String, region: String) {
    let parts = URL(string: url)?.path.split(separator: "/").map(String.init) ?? []
    guard parts.count >= 2 else { return nil }
    self.region = region
    account = parts[parts.count - 2]
    name = parts[parts.count - 1]
  }

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

  /// As the dead-letter queue of this one is commonly called.
  var deadLetterQueue: QueueAddress {
    var other = self
    other.name = isFIFO ? "\(name.dropLast(".fifo".count))-dlq.fifo" : "\(name)-dlq"
    return other
  }
}

/// Commands of the AWS CLI that mend something, for the place where the queue is.
struct AWSCommands {
  /// Of messages, in seconds: 14 days.
  static let longestRetention = 1_209_600

  let endpoint: URL
  let region: String

  func createQueue(_ queue: QueueAddress) -> String {
    createQueue(queue, queue.isFIFO ? ["FifoQueue=true"] : [])
  }

  /// As long as SQS keeps anything.
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
    let attribute = "MessageRetentionPeriod=\(Self.longestRetention)"
    return command("set-queue-attributes", ["--queue-url", url, "--attributes", attribute])
  }

  private func command(_ operation: String, _ arguments: [String]) -> String {
    let place = ["--region", region] + (endpoint.isAWS ? [] : ["--endpoint-url", endpoint.address])
    return (["aws", "sqs", operation] + arguments + place).map(shellQuoted).joined(separator: " ")
  }
}

extension URL {
  /// Whether AWS itself answers here.
  var isAWS: Bool {
    let host = host()?.lowercased() ?? ""
    return [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"].contains { host.hasSuffix($0) }
  }

  /// As people write it: without a slash at the end.
  var address: String {
    absoluteString.hasSuffix("/") ? String(absoluteString.dropLast()) : absoluteString
  }

  var isLoopback: Bool {
    let host = host() ?? ""
    return host == "localhost" || host.hasPrefix("127.") || host == "::1" || host == "[::1]"
  }
}

/// A word of a shell's command, as it is.
func shellQuoted(_ text: String) -> String {
  let isPlain =
    !text.isEmpty
    && text.utf8.allSatisfy { byte in
      Character(UnicodeScalar(byte)).isLetter && byte < 0x80 || (0x30...0x39).contains(byte)
        || "-_./:=@,".utf8.contains(byte)
    }
  return isPlain ? text : "'\(text.replacing("'", with: #"'\''"#))'"
}
