import Foundation
import WorkerKit

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
    let count = Locked(0)
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

  private static let receiveRequest = Array(
    """
    {"QueueUrl":"https://sqs.us-east-1.amazonaws.com/123456789012/prizes","MaxNumberOfMessages":10,\
    "WaitTimeSeconds":5,"VisibilityTimeout":30,"MessageSystemAttributeNames":["ApproximateReceiveCount",\
    "SentTimestamp","ApproximateFirstReceiveTimestamp","MessageGroupId","MessageDeduplicationId","AWSTraceHeader"],\
    "MessageAttributeNames":["All"]}
    """.utf8)
}
