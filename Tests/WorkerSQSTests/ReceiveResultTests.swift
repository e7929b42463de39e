import Foundation
import Testing
import WorkerKit

@testable import WorkerSQS

@Suite("Reading a receive's answer")
struct ReceiveResultTests {
  static let answer = #"""
    {"Messages":[
      {"MessageId":"m1","ReceiptHandle":"h1","MD5OfBody":"5d41402abc4b2a76b9719d911017c592","Body":"hello",
       "Attributes":{"ApproximateReceiveCount":"2","SentTimestamp":"1700000000000","MessageGroupId":"g","Other":"x",
         "ApproximateFirstReceiveTimestamp":"1700000001500","MessageDeduplicationId":"d","AWSTraceHeader":"Root=1"},
       "MessageAttributes":{"k":{"StringValue":"v","DataType":"String"},
         "b":{"BinaryValue":"AQI=","DataType":"Binary.x","StringListValues":[]}},"Unknown":{"deep":[1,{"er":null}]}},
      {"MessageId":"m2","ReceiptHandle":"h2","MD5OfBody":"00000000000000000000000000000000","Body":"damaged"},
      {"MessageId":"m3","ReceiptHandle":"h3","Body":"lone \ud800 surrogate"}
    ]}
    """#

  @Test("each message has what its handler needs; one that was damaged on its way does not cost the others")
  func receive() throws {
    let result = try ReceiveResult(Array(Self.answer.utf8))
    #expect(result.messages.map(\.id) == ["m1", "m3"])
    #expect(result.corrupted == ["m2"])
    let message = result.messages[0]
    #expect(message.receiptHandle == "h1")
    #expect(message.body == Array("hello".utf8))
    #expect(message.receiveCount == 2)
    #expect(message.sentAt == Date(timeIntervalSince1970: 1_700_000_000))
    #expect(message.firstReceivedAt == Date(timeIntervalSince1970: 1_700_000_001.5))
    #expect(message.groupID == "g")
    #expect(message.deduplicationID == "d")
    #expect(message.traceHeader == "Root=1")
    #expect(
      message.attributes == ["k": .string("v"), "b": MessageAttribute(dataType: "Binary.x", value: .binary([1, 2]))])
  }

  @Test("a name is the same name with escapes in it, and no other name for its beginning")
  func names() throws {
    let json = #"""
      {"M\u0065ssages":[{"MessageI":"x","\u004dessageId":"m","MessageIdd":"x","ReceiptHandle":"h","Body":"b","":"x",
        "MessageAttributes":{"\"\u00e9\"":{"StringValue":"v","DataType":"String"}}}]}
      """#
    let message = try #require(try ReceiveResult(Array(json.utf8)).messages.first)
    #expect(message.id == "m")
    #expect(message.attributes == ["\"é\"": .string("v")])
  }

  @Test("an answer without messages is no error", arguments: ["", "{}", #"{"Messages":[]}"#, #"{ "Messages" : [ ] }"#])
  func empty(answer: String) throws {
    #expect(try ReceiveResult(Array(answer.utf8)).messages.isEmpty)
  }
}
