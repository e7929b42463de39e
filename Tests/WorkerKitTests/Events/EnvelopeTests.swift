import Foundation
import TestSupport
import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("The event type of a body", .timeLimit(.minutes(20)))
struct EnvelopeTests {
  @Test(
    "a message whose eventType is repeated is a dead letter that names it, and no handler is called",
    arguments: [
      #"{"eventType":"GREETED","name":"Ada","times":1,"eventType":"GREETED"}"#,
      #"{"eventType":"OTHER","name":"Ada","times":1,"eventType":"GREETED"}"#,
      #"{"eventType":"GREETED","name":"Ada","times":1,"eventT\u0079pe":"OTHER"}"#,
      #"{"eventType":null,"name":"Ada","times":1,"\u0065ventType":"GREETED"}"#,
      #"{"eventType":"GREETED","eventType":"GREETED","list":["# + String(repeating: "0,", count: 20_000) + "0]}",
    ])
  func repeated(body: String) async throws {
    let names = Record<String>()
    let harness = ConsumerHarness(handler: ClosureHandler { (event: Greeting, _) in names.add(event.name) })
    harness.queue.put(OutgoingMessage(body: body))
    try await harness.run { try await harness.untilSettled("dead-lettered") }
    #expect(names.all.isEmpty)
    let letter = try #require(harness.deadLetters.messages.first)
    let json = try #require(letter.attributes[WorkerFailure.attributeName]?.stringValue)
    let failure = try JSONDecoder().decode(WorkerFailure.self, from: Data(json.utf8))
    #expect(failure.kind == "validation")
    #expect(failure.field == "eventType")
    #expect(failure.message == "eventType: expected one value, but the body has the name more than once")
  }

  @Test("other repeated names are no error, and an eventType in a part of the event is none of its own")
  func others() async throws {
    let names = Record<String>()
    let harness = ConsumerHarness(handler: ClosureHandler { (event: Greeting, _) in names.add(event.name) })
    let part = #"{"eventType":"OTHER","eventType":"OTHER"}"#
    harness.queue.put(
      OutgoingMessage(body: #"{"name":"Bob","eventType":"GREETED","name":"Ada","part":\#(part),"times":1}"#))
    try await harness.run { try await harness.untilSettled("handled") }
    #expect(names.all == ["Ada"])
  }

  @Test(
    "the error of a body without an event type contains what the body looks like",
    arguments: [
      (#"{"TopicArn":"arn","Type":"Notification"}"#, "raw message delivery"),
      (#"{"TopicArn":"arn","Type":"Subscription"}"#, "confirm the subscription"),
      (#"{"detail-type":"a","detail":{}}"#, "EventBridge"), (#"{"specversion":"1.0","type":"a"}"#, "CloudEvent"),
      (#"{"Records":[{"eventSource":"aws:s3"}]}"#, "notification of S3"), (#"{"Event":"s3:TestEvent"}"#, "S3"),
      (#"["software.amazon.payloadoffloading.PayloadS3Pointer",{}]"#, "Extended Client"),
      (#""{\"eventType\":\"A\"}""#, "twice"), (#"{"event_type":"A"}"#, "write eventType"),
      ("[]", "expected an object, but an array came"), (#"{"Records":[5],"a":null}"#, "the field is missing"),
      (#"{"eventType":7}"#, "put it in quotes"),
    ])
  func foreign(body: String, message: String) throws {
    let error = #expect(throws: EventError.self) { try Envelope(body: EventBody(Array(body.utf8))) }
    #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
  }
}
