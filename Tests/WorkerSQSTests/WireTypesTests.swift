import Foundation
import Testing
import WorkerKit

@testable import WorkerSQS

@Suite("What is sent to SQS")
struct WireTypesTests {
  @Test("a batch to send says all that a message has")
  func send() throws {
    let message = OutgoingMessage(
      body: "{\"a\":\"\u{1}\"}",
      attributes: ["t": .string("\"x\""), "b": MessageAttribute(dataType: "Binary", value: .binary([1, 2]))],
      groupID: "g", deduplicationID: "d", traceHeader: "Root=1")
    var json = JSONWriter()
    Wire.SendMessageBatch(QueueUrl: "u", messages: [OutgoingMessage(body: "plain"), message]).write(to: &json)
    let expected: NSDictionary = [
      "QueueUrl": "u",
      "Entries": [
        ["Id": "0", "MessageBody": "plain"],
        [
          "Id": "1", "MessageBody": "{\"a\":\"\u{1}\"}", "MessageGroupId": "g", "MessageDeduplicationId": "d",
          "MessageAttributes": [
            "t": ["DataType": "String", "StringValue": "\"x\""], "b": ["DataType": "Binary", "BinaryValue": "AQI="],
          ],
          "MessageSystemAttributes": ["AWSTraceHeader": ["DataType": "String", "StringValue": "Root=1"]],
        ],
      ],
    ]
    let written = try JSONSerialization.jsonObject(with: Data(json.bytes)) as? NSDictionary
    #expect(written == expected)
  }
}
