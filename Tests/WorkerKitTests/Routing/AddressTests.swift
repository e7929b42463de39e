import Testing

@testable import WorkerKit

@Suite("addresses in routes.yaml")
struct AddressTests {
  @Test(
    "queue URLs",
    arguments: [
      "https://sqs.us-east-1.amazonaws.com/123456789012/prizes", "http://localhost:4566/000000000000/prizes.fifo",
      "http://127.0.0.1:9324/queue/prizes", "http://[::1]:4566/0/q", "http://sqs_local:9324/prizes",
      "https://vpce-1a.sqs.eu-west-1.vpce.amazonaws.com/123456789012/prizes", "http://h/123456789012/123456789012",
      " https://h/1/q\n",
    ])
  func queueURL(text: String) {
    #expect(Address.queueURL(text) == nil)
  }

  @Test(
    "invalid queue URLs",
    arguments: [
      ("", "must be a queue URL"), ("prizes", "must be a queue URL"), ("HTTP://h/1/q", "must be a queue URL"),
      ("ftp://h/1/q", "must be a queue URL"),
      ("https:///1/q", "must be a queue URL"), ("https://h h/1/q", "must be a queue URL"),
      ("https://h/1/q\u{0}", "must be a queue URL"), ("https://h/1/\nq", "must be a queue URL"),
      ("https://h/1/my q", "must be a queue URL"), ("https://bücher/1/q", "must be a queue URL"),
      ("https://h:99999/1/q", "must be a queue URL"), ("https://h:0/1/q", "must be a queue URL"),
      ("https://eu-west-1}/1/q", "must be a queue URL"), ("https://a..b/1/q", "must be a queue URL"),
      ("https://user:secret@h/1/q", "must hold no user name"), ("https://user@h/1/q", "must hold no user name"),
      ("https://h/1/q?Action=SendMessage", "without `?` or `#`"), ("https://h/1/q#part", "without `?` or `#`"),
      ("https://h", "must end with the queue's name"), ("https://h/", "must end with the queue's name"),
      ("https://h/123456789012", "must end with the queue's name"),
      ("https://h/1/q/", "must end with the queue's name"),
      ("https://h/1/q.fifo.x", "must end with the queue's name"),
      ("https://h/1/a%20b", "must end with the queue's name"),
      ("https://h/1/" + String(repeating: "q", count: 81), "must end with the queue's name"),
    ])
  func noQueueURL(text: String, expected: String) {
    #expect(Address.queueURL(text)?.contains(expected) == true)
  }

  @Test("regions", arguments: ["us-east-1", "us-gov-west-1", "ap-southeast-7", "eu-isoe-west-1", "elasticmq"])
  func region(text: String) {
    #expect(Address.region(text) == nil)
  }

  @Test(
    "invalid regions",
    arguments: ["", "us east", "eu-west-1}", "US-EAST-1", " us-east-1", "us_east_1", "us--east", "-1", "https://h"])
  func noRegion(text: String) {
    #expect(Address.region(text) == "must be an AWS region, such as us-east-1")
  }

  @Test(
    "hosts", arguments: ["localhost", "0.0.0.0", "::1", "[::1]", "fe80::1", "a-b.example.com", "h.", "my_host", "1a"])
  func host(text: String) {
    #expect(Address.isHost(text))
  }

  @Test(
    "invalid hosts",
    arguments: [
      "", " ", "a b", "h:80", "http://h", "256.1.1.1", "1.2", "[h]", "-h", "h-", "a..b", ".h", "h/", "${H}", "ü",
    ])
  func noHost(text: String) {
    #expect(!Address.isHost(text))
  }
}
