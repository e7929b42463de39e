import Foundation

/// The URL of a queue, and the properties that it contains.
///
/// | form | service |
/// |---|---|
/// | `https://sqs.REGION.amazonaws.com/ACCOUNT/NAME` | AWS |
/// | `https://sqs-fips.REGION.amazonaws.com/…` | AWS, FIPS endpoint |
/// | `https://sqs.REGION.api.aws/…` | AWS, dual-stack endpoint for IPv4 and IPv6 |
/// | `https://REGION.queue.amazonaws.com/…`, `https://queue.amazonaws.com/…` (us-east-1) | AWS, legacy endpoint |
/// | `https://vpce-….sqs.REGION.vpce.amazonaws.com/…` | a VPC endpoint |
/// | `http://localhost:4566/000000000000/NAME` | an SQS-compatible server |
///
/// China and the other partitions have their own domains for each form.
package struct QueueURL: Sendable, Hashable {
  /// The URL without surrounding white space.
  package let text: String
  package let name: String
  /// The account; nil if the URL contains none.
  package let account: String?
  /// The region of a queue on AWS; nil if the host is not AWS's.
  package let region: String?

  /// Parses a URL.
  ///
  /// - Returns: nil if it is not the URL of a queue.
  package init?(_ text: String) {
    let text = text.trimmingCharacters(in: .whitespacesAndNewlines)
    guard text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }), let parts = URLComponents(string: text),
      ["http", "https"].contains(parts.scheme), let host = parts.host, !host.isEmpty
    else { return nil }
    let path = parts.path.split(separator: "/").map(String.init)
    guard let name = path.last else { return nil }
    self.text = text
    self.name = name
    account = path.dropLast().last
    region = Self.region(ofHost: host)
  }

  /// Whether a host belongs to AWS.
  package static func isAWS(host: String) -> Bool { labels(ofHost: host) != nil }

  private static func region(ofHost host: String) -> String? {
    switch labels(ofHost: host) ?? [] {
    case ["queue"]: "us-east-1"
    case let labels where labels.count == 2 && labels[1] == "queue": labels[0]
    case let labels where labels.count == 2 && ["sqs", "sqs-fips"].contains(labels[0]): labels[1]
    case let labels where labels.count == 4 && labels[1] == "sqs" && labels[3] == "vpce": labels[2]
    default: nil
    }
  }

  /// The labels before AWS's domain; nil if the host is not AWS's.
  private static func labels(ofHost host: String) -> [String]? {
    let host = host.lowercased()
    guard let domain = domains.first(where: { host.hasSuffix(".\($0)") }) else { return nil }
    return host.dropLast(domain.count + 1).split(separator: ".").map(String.init)
  }

  /// The domains of AWS's partitions. Source: botocore's `partitions.json`.
  private static let domains = [
    "amazonaws.com", "api.aws", "amazonaws.com.cn", "api.amazonwebservices.com.cn", "amazonaws.eu",
    "api.amazonwebservices.eu", "c2s.ic.gov", "api.aws.ic.gov", "sc2s.sgov.gov", "api.aws.scloud", "cloud.adc-e.uk",
    "api.cloud-aws.adc-e.uk", "csp.hci.ic.gov", "api.aws.hci.ic.gov",
  ]
}
