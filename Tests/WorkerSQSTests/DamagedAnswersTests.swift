import Foundation
import HTTPTestSupport
import TestSupport
import Testing
import WorkerKit

@testable import WorkerSQS

@Suite("Answers that were damaged on their way", .timeLimit(.minutes(20)))
struct DamagedAnswersTests {
  /// The digests are Python's, of what the developer guide says is digested. Between each digest and what it is of stands
  /// the message's id, so that no one cut takes both away and leaves a message. Numbers are small, for Foundation refuses
  /// what is too large for a Double, and that is JSON all the same.
  static let answer = #"""
    {"Messages":[
      {"MD5OfMessageAttributes":"4e2ecb622fc7f5ff1123cb204040d10c","MD5OfBody":"5d41402abc4b2a76b9719d911017c592",
       "MessageId":"m1","ReceiptHandle":"h1",
       "Attributes":{"ApproximateReceiveCount":"2","SentTimestamp":"1700000000000"},"Other":[true,null,-0.5,{}],
       "MessageAttributes":{"k":{"StringValue":"\u0076","DataType":"String"},
         "b":{"BinaryValue":"AQI=","DataType":"Binary.x"}},"Body":"h\u0065llo"},
      {"MD5OfMessageAttributes":"526805ab6e7da823c7382090766f2b44","MD5OfBody":"a9f0e61a137d86aa9db53465e0801612",
       "MessageId":"m2","ReceiptHandle":"h2",
       "MessageAttributes":{"IdempotencyKey":{"StringValue":"raffle-7","DataType":"String"}},"Body":"second"}
    ],"Rest":{"deep":[[{"a":""}],12,0.5,"é\n"]}}
    """#

  /// What may be in a message that is handed on.
  struct Content: Hashable {
    var body: [UInt8]
    var attributes: [String: MessageAttribute]

    init(_ message: ReceivedMessage) {
      body = message.body
      attributes = message.attributes
    }
  }

  @Test("where order counts, nothing overtakes a message that was damaged")
  func order() throws {
    let damaged = Self.answer.replacing("h\\u0065llo", with: "hullo")
    #expect(try ReceiveResult(Array(damaged.utf8)).messages.map(\.id) == ["m2"])
    let inOrder = try ReceiveResult(Array(damaged.utf8), keepsOrder: true)
    #expect(inOrder.messages.isEmpty)
    #expect(inOrder.corrupted == ["m1"])
    #expect(try ReceiveResult(Array(Self.answer.utf8), keepsOrder: true).messages.map(\.id) == ["m1", "m2"])
  }

  @Test("a receive count is a count, whatever a server says", arguments: ["9223372036854775807", "-5", "x"])
  func receiveCount(text: String) throws {
    let answer = Self.answer.replacing(
      #""ApproximateReceiveCount":"2""#, with: #""ApproximateReceiveCount":"\#(text)""#)
    let count = try #require(try ReceiveResult(Array(answer.utf8)).messages.first?.receiveCount)
    #expect((1...1_000_000).contains(count))
  }

  @Test("what is read is JSON to Foundation as well, and nothing of a message is changed that has a digest")
  func mutations() throws {
    let seed = SeededGenerator.drawnSeed
    var random = SeededGenerator(seed: seed)
    let original = Array(Self.answer.utf8)
    let contents = Set(try ReceiveResult(original).messages.map(Content.init))
    #expect(contents.count == 2)
    var read = 0
    for _ in 0..<10_000 {
      let count = Int.random(in: 1...3, using: &random)
      var bytes = original
      for _ in 0..<count { Self.mutate(&bytes, using: &random) }
      guard let result = try? ReceiveResult(bytes), !bytes.isEmpty else { continue }
      read += 1
      // Broken UTF-8 and halves of surrogate pairs are left to whoever decodes the message.
      let text = String(decoding: bytes, as: UTF8.self)
      let isBroken = Array(text.utf8) != bytes || text.lowercased().contains("\\ud")
      if !isBroken, (try? JSONSerialization.jsonObject(with: Data(bytes))) == nil {
        Issue.record("Foundation refuses \(text); seed \(seed)")
      }
      // Two can take away the digest and what it is of.
      if count == 1, !contents.isSuperset(of: result.messages.map(Content.init)) {
        Issue.record("changed: \(text); seed \(seed)")
      }
    }
    #expect(read > 500, "most of what is tried must not be refused at its first byte")
  }

  private static func mutate(_ bytes: inout [UInt8], using random: inout SeededGenerator) {
    guard !bytes.isEmpty else { return }
    let start = Int.random(in: 0..<bytes.count, using: &random)
    let end = min(bytes.count, start + Int.random(in: 1...300, using: &random))
    switch Int.random(in: 0..<7, using: &random) {
    case 0: bytes[start] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case 1: bytes[start] = UInt8.random(in: 0...255, using: &random)
    case 2: bytes.removeSubrange(start..<end)
    case 3: bytes.insert(contentsOf: bytes[start..<end], at: Int.random(in: 0...bytes.count, using: &random))
    case 4: bytes.removeSubrange(start...)
    case 5: bytes.insert("{}[]\",:0123456789.eE+-truefalsn\\ \u{0}".utf8.randomElement(using: &random) ?? 0, at: start)
    default: bytes[start] = bytes.randomElement(using: &random) ?? 0
    }
  }

  @Test(
    "a literal that is none is refused, and every number is one",
    arguments: [
      ("tru", false), ("nul", false), ("-", false), ("01", false), ("1.", false), (".5", false), ("1e", false),
      ("1-2", false), ("+1", false), ("truefalse", false), ("1.5.2", false), ("0", true), ("-0", true), ("12", true),
      ("0.5", true), ("1E9", true), ("-1.25e-7", true), ("true", true), ("false", true), ("null", true),
    ])
  func literals(text: String, isJSON: Bool) {
    let json = #"{"Other":\#(text)}"#
    #expect(((try? ReceiveResult(Array(json.utf8))) != nil) == isJSON)
    #expect(((try? JSONSerialization.jsonObject(with: Data(json.utf8))) != nil) == isJSON)
  }

  @Test(
    "a message whose attributes are not those that were sent is not handed on",
    arguments: [
      ("raffle-7", "raffle-8"), (#""String"}"#, #""Number"}"#), ("IdempotencyKey", "IdempotencyKez"),
      (#""MessageAttributes":{"Id"#, #""MessageAttributez":{"Id"#), ("AQI=", "AQM="), ("AQI=", "!"),
    ])
  func attributes(original: String, damaged: String) throws {
    let result = try ReceiveResult(Array(Self.answer.replacing(original, with: damaged, maxReplacements: 1).utf8))
    #expect(result.messages.count == 1)
    #expect(result.corrupted.count == 1)
  }

  @Test(
    "a message without its id, its handle or its body is none, with a digest or without",
    arguments: [
      #"{"ReceiptHandle":"h","Body":"b"}"#, #"{"MessageId":"m","Body":"b"}"#,
      #"{"MessageId":"m","ReceiptHandle":"h"}"#, #"{"MessageId":null,"ReceiptHandle":"h","Body":"b"}"#, "{}",
    ])
  func incomplete(message: String) throws {
    let whole = #"{"MessageId":"whole","ReceiptHandle":"h","Body":"b"}"#
    let result = try ReceiveResult(Array(#"{"Messages":[\#(message),\#(whole)]}"#.utf8))
    #expect(result.messages.map(\.id) == ["whole"])
    #expect(result.corrupted.count == 1)
  }

  @Test(
    "of a member that comes twice the last one is used, and the two are not put together",
    arguments: [
      (
        #""MessageAttributes":{"a":{"StringValue":"1","DataType":"String"}}"#,
        #""MessageAttributes":{"b":{"StringValue":"1","DataType":"String"}}"#
      ),
      (
        #""MessageAttributes":{"b":{"StringValue":"2","DataType":"Number"},"a":{"StringValue":"1"}}"#,
        #""MessageAttributes":{"a":{"StringValue":"1"},"a":null,"b":{"StringValue":"0","StringValue":"1"}}"#
      ),
      (
        #""Attributes":{"MessageGroupId":"g","SentTimestamp":"1","ApproximateReceiveCount":"7","AWSTraceHeader":"t"}"#,
        #""Attributes":{"ApproximateReceiveCount":"7","ApproximateReceiveCount":"1"}"#
      ),
      (#""MessageId":"first","Body":"other""#, #""Message\u0049d":"m","Body":"b""#),
    ])
  func twice(first: String, second: String) throws {
    let json = #"{"Messages":[{"MessageId":"m","ReceiptHandle":"h","Body":"b",\#(first),\#(second)}]}"#
    let message = try #require(try ReceiveResult(Array(json.utf8)).messages.first)
    #expect(message.id == "m")
    #expect(message.body == Array("b".utf8))
    #expect(message.attributes == (first.contains("MessageAttributes") ? ["b": .string("1")] : [:]))
    #expect(message.receiveCount == 1)
    #expect(message.groupID == nil && message.sentAt == nil && message.traceHeader == nil)
  }

  @Test("of a list of messages that comes twice the last one is used")
  func twoLists() throws {
    func list(_ id: String) -> String { #""Messages":[{"MessageId":"\#(id)","ReceiptHandle":"h","Body":"b"},{}]"# }
    let result = try ReceiveResult(Array("{\(list("first")),\(list("second"))}".utf8))
    #expect(result.messages.map(\.id) == ["second"])
    #expect(result.corrupted == [""])
    #expect(try ReceiveResult(Array(#"{\#(list("first")),"Messages":null}"#.utf8)).messages.isEmpty)
  }

  @Test(
    "times that no calendar could show are unknown",
    arguments: ["1e400", "-1e400", "1e300", "-5", "NaN", "inf", "253402300800000", "", "x", "0x7fffffff00000000"])
  func times(text: String) throws {
    let json = #"""
      {"Messages":[{"MessageId":"m","ReceiptHandle":"h","Body":"b",
        "Attributes":{"SentTimestamp":"\#(text)","ApproximateFirstReceiveTimestamp":"\#(text)"}}]}
      """#
    let message = try #require(try ReceiveResult(Array(json.utf8)).messages.first)
    #expect(message.sentAt == nil)
    #expect(message.firstReceivedAt == nil)
  }

  @Test(
    "a dead-letter queue is kept for good, so one of another name is not taken", arguments: ["prizes-dl", "prizes"])
  func deadLetterQueue(damaged: String) async throws {
    let tests = try SQSClientTests()
    let policy = #"{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:000000000000:prizes-dlq\",\"maxReceiveCount\":3}"#
    let attributes = ScriptedServer.Answer(body: #"{"Attributes":{"RedrivePolicy":"\#(policy)"}}"#)
    func url(_ name: String) -> ScriptedServer.Answer {
      .init(body: #"{"QueueUrl":"\#(tests.server.url)000000000000/\#(name)"}"#)
    }
    try await tests.server.answer(attributes, url(damaged), attributes, url("prizes-dlq"))
    let queue = try tests.queue()
    await #expect {
      _ = try await queue.deadLetterQueue()
    } throws: { ($0 as? QueueError)?.code == .invalidResponse }
    let deadLetters = try await queue.deadLetterQueue()
    #expect(deadLetters?.name == "prizes-dlq")
  }

  @Test("a policy that makes a queue its own dead-letter queue does not make its dead letters its messages")
  func ownDeadLetters() async throws {
    let tests = try SQSClientTests()
    let policy = #"{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:000000000000:prizes\",\"maxReceiveCount\":3}"#
    try await tests.server.answer(.init(body: #"{"Attributes":{"RedrivePolicy":"\#(policy)"}}"#))
    await #expect {
      _ = try await tests.queue().deadLetterQueue()
    } throws: { ($0 as? QueueError)?.code == .invalidResponse }
  }
}
