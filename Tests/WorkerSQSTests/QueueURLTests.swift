import Testing
import WorkerKit

@testable import WorkerSQS

@Suite("A queue's URL")
struct QueueURLTests {
  /// Sources: AWS's "Amazon SQS endpoints and quotas" and "VPC endpoints"; botocore's `endpoints.json`, whose
  /// `sslCommonName` are the older addresses.
  @Test(
    "AWS's addresses name their region in every form",
    arguments: [
      ("https://sqs.us-east-1.amazonaws.com/123456789012/prizes", "us-east-1"),
      ("https://sqs.us-gov-west-1.amazonaws.com/123456789012/prizes", "us-gov-west-1"),
      ("https://SQS.eu-west-1.amazonaws.com:443/123456789012/prizes", "eu-west-1"),
      ("https://sqs-fips.us-west-2.amazonaws.com/123456789012/prizes", "us-west-2"),
      ("https://sqs.eu-central-1.api.aws/123456789012/prizes", "eu-central-1"),
      ("https://sqs-fips.us-east-2.api.aws/123456789012/prizes", "us-east-2"),
      ("https://eu-west-1.queue.amazonaws.com/123456789012/prizes", "eu-west-1"),
      ("https://queue.amazonaws.com/123456789012/prizes", "us-east-1"),
      ("https://vpce-0a1b2c-3d4e.sqs.eu-west-1.vpce.amazonaws.com/123456789012/prizes", "eu-west-1"),
      ("https://vpce-0a1b2c-3d4e-eu-west-1a.sqs.eu-west-1.vpce.amazonaws.com/123456789012/prizes", "eu-west-1"),
      ("https://sqs.cn-north-1.amazonaws.com.cn/123456789012/prizes", "cn-north-1"),
      ("https://cn-north-1.queue.amazonaws.com.cn/123456789012/prizes", "cn-north-1"),
      ("https://vpce-0a.sqs.cn-north-1.vpce.amazonaws.com.cn/123456789012/prizes", "cn-north-1"),
      ("https://sqs.cn-northwest-1.api.amazonwebservices.com.cn/123456789012/prizes", "cn-northwest-1"),
      ("https://sqs.eusc-de-east-1.amazonaws.eu/123456789012/prizes", "eusc-de-east-1"),
      ("https://sqs.us-iso-east-1.c2s.ic.gov/123456789012/prizes", "us-iso-east-1"),
      ("http://localhost:4566/000000000000/prizes", nil), ("http://sqs.us-east-1.localhost:4566/0/prizes", nil),
      ("https://sqs.eu-west-1.amazonaws.com.example.org/1/prizes", nil),
      ("https://notamazonaws.com/123456789012/prizes", nil), ("https://s3.eu-west-1.amazonaws.com/1/prizes", nil),
    ])
  func region(url: String, region: String?) throws {
    #expect(try #require(QueueURL(url)).region == region)
  }

  @Test(
    "its last part is the queue's name, and the one before the account",
    arguments: [
      ("https://sqs.us-east-1.amazonaws.com/123456789012/prizes", "prizes", "123456789012"),
      ("  http://localhost:4566/000000000000/prizes.fifo \n", "prizes.fifo", "000000000000"),
      ("http://localhost:4566/sqs/000000000000/prizes/", "prizes", "000000000000"),
      ("http://elasticmq:9324/prizes", "prizes", nil), ("http://[::1]:4566/queue/prizes?x=y", "prizes", "queue"),
    ])
  func parts(url: String, name: String, account: String?) throws {
    let queue = try #require(QueueURL(url))
    #expect(queue.name == name)
    #expect(queue.account == account)
    #expect(queue.text.allSatisfy { !$0.isWhitespace })
  }

  @Test(
    "what is no queue's URL is none",
    arguments: [
      "", "prizes", "ftp://a/0/prizes", "http://", "http:///0/prizes", "http://a", "http://a/", "http://a/0/pri\nzes",
      "http://a/0/pri zes", "http://a/0/prizes\0", "http://a/0/prizes\u{1B}[0m",
    ])
  func none(text: String) {
    #expect(QueueURL(text) == nil)
  }
}
