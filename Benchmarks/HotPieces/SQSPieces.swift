import Foundation
import Logging
import WorkerHTTP
import WorkerKit
import WorkerLocks
import WorkerSQS

extension HotPiece {
  static let decodeReceive = HotPiece(
    name: "decode-receive", summary: "reads SQS's answer to a receive of ten messages, digests checked"
  ) { _ in
    let answer = try ReceiveAnswer.body()
    return .synchronous {
      let result = try ReceiveResult(answer)
      try check(result.messages.count == 10, "the answer has ten messages, but \(result.messages.count) were read")
    }
  }

  static let sign = HotPiece(name: "sign", summary: "signs a ReceiveMessage, the day's key at hand") { _ in
    let signature = SignatureV4(region: "us-east-1", service: "sqs")
    let credentials = Credentials(
      accessKeyID: "AKIDEXAMPLE0EXAMPLE0", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    let headers = [
      (name: "Content-Type", value: "application/x-amz-json-1.0"), ("X-Amz-Target", "AmazonSQS.ReceiveMessage"),
      ("Host", "sqs.us-east-1.amazonaws.com"),
    ]
    // One each ten milliseconds, so that a hundred share a second.
    let count = Mutex(0)
    let start = Date(timeIntervalSince1970: 1_767_225_600)
    return .synchronous {
      let number = count.withLock { count in
        count += 1
        return count
      }
      let signed = signature.headers(
        method: "POST", headers: headers, body: receiveRequest, credentials: credentials,
        date: start.addingTimeInterval(Double(number) / 100))
      try check(signed.contains { $0.name == "Authorization" }, "a signed request has an Authorization header")
    }
  }

  static let receiveCall = HotPiece(
    name: "receive-call", summary: "a receive of ten but for the HTTP: its request made and signed, its answer read"
  ) { _ in
    let answer = HTTPClientResponse(status: 200, headers: answerHeaders, body: try ReceiveAnswer.body())
    let queue = try queue(answering: answer)
    return .asynchronous {
      let messages = try await queue.receive(maxMessages: 10, waitTime: .seconds(5), visibilityTimeout: .seconds(30))
      try check(messages.count == 10, "the answer has ten messages, but \(messages.count) were received")
    }
  }

  static let deleteCall = HotPiece(
    name: "delete-call", summary: "a deletion of ten but for the HTTP: its request made and signed, its answer read"
  ) { _ in
    let successes = (0..<10).map { #"{"Id":"\#($0)"}"# }.joined(separator: ",")
    let answer = HTTPClientResponse(
      status: 200, headers: answerHeaders, body: Array(#"{"Failed":[],"Successful":[\#(successes)]}"#.utf8))
    let queue = try queue(answering: answer)
    let handles = try ReceiveResult(ReceiveAnswer.body()).messages.map(\.receiptHandle)
    return .asynchronous {
      for result in try await queue.delete(handles) { try result.get() }
    }
  }

  private static func queue(answering answer: HTTPClientResponse) throws -> SQSQueue {
    let environment = [
      "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE0EXAMPLE0",
      "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    ]
    return try SQSQueue(
      url: "https://sqs.us-east-1.amazonaws.com/123456789012/prizes", region: "us-east-1",
      credentials: CredentialsChain(environment: environment), logger: Logger(label: "queue"), environment: [:],
      execute: { _ in answer })
  }

  private static let answerHeaders = [
    (name: "x-amzn-requestid", value: "f3a4c6e2-6c0f-5d0e-9b0c-98a8a2f5c1d7"),
    (name: "date", value: "Thu, 01 Jan 2026 00:00:00 GMT"),
    (name: "content-type", value: "application/x-amz-json-1.0"),
  ]

  private static let receiveRequest = Array(
    """
    {"QueueUrl":"https://sqs.us-east-1.amazonaws.com/123456789012/prizes","MaxNumberOfMessages":10,\
    "WaitTimeSeconds":5,"VisibilityTimeout":30,"MessageSystemAttributeNames":["ApproximateReceiveCount",\
    "SentTimestamp","ApproximateFirstReceiveTimestamp","MessageGroupId","MessageDeduplicationId","AWSTraceHeader"],\
    "MessageAttributeNames":["All"]}
    """.utf8)
}
