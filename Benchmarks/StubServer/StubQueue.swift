import Foundation
import NIOCore

/// The one queue: so many messages, all alike, each given out once.
///
/// It belongs to the event loop.
final class StubQueue {
  /// A receive that waits for a message.
  private struct Poll {
    let connection: Connection
    let call: Call
    let end: Scheduled<Void>
  }

  private struct TemplateKey: Hashable {
    let wire: Wire
    let withAttributes: Bool
  }

  /// How long a consumer waits for an answer, at least.
  var roundTrip = TimeAmount.zero
  private(set) var tally = OutcomeCounts()
  private var templates: [TemplateKey: MessageTemplate] = [:]
  private var polls: [Poll] = []

  init() throws {
    try load(0, body: "{}")
  }

  var waiting: Int { polls.count }

  func noteConnection() {
    tally.connections += 1
  }

  /// Begins anew with so many messages, while no receive waits.
  func load(_ count: Int, body: String) throws {
    for wire in Wire.allCases {
      for withAttributes in [false, true] {
        templates[TemplateKey(wire: wire, withAttributes: withAttributes)] = try MessageTemplate(
          wire, withAttributes: withAttributes, body: body)
      }
    }
    tally = OutcomeCounts(messages: count, connections: tally.connections)
  }

  /// Gives a message to a receive that waits.
  ///
  /// - Returns: whether there was one.
  func send(_ body: String) throws -> Bool {
    guard let poll = polls.first else { return false }
    let template = try MessageTemplate(poll.call.wire, withAttributes: poll.call.wantsAttributes, body: body)
    remove(poll.connection)
    tally.messages += 1
    poll.connection.answer(template.answer(tally.handOut(1), receivedAt: milliseconds()))
    return true
  }

  /// Puts so many messages into the queue at once.
  func burst(_ count: Int) {
    tally.beginBurst(of: count)
    while tally.left > 0, let poll = polls.first {
      remove(poll.connection)
      poll.connection.answer(receive(poll.call))
    }
  }

  /// - Returns: nil where the answer comes later.
  func answer(_ call: Call, on connection: Connection) -> ByteBuffer? {
    guard let operation = call.operation else {
      tally.refused += 1
      return call.refused("InvalidAction", "The stub does not know this operation.")
    }
    tally.note(operation)
    switch operation {
    case .receiveMessage:
      guard tally.left == 0, call.waitTime > 0 else { return receive(call) }
      hold(call, on: connection)
      return nil
    case .deleteMessage, .deleteMessageBatch:
      let now = NIODeadline.now().uptimeNanoseconds
      return call.settled { tally.delete($0.index, at: now) }
    case .changeMessageVisibility, .changeMessageVisibilityBatch:
      return call.settled { $0.index.map { $0 < tally.handedOut } ?? false }
    case .getQueueAttributes: return attributes(call)
    case .getQueueURL:
      return HTTPAnswer.make(call.wire.contentType, "{\"QueueUrl\":\"http://127.0.0.1/000000000000/bench-dlq\"}")
    }
  }

  /// Of a connection that is gone.
  func forget(_ connection: Connection) {
    remove(connection)
  }

  private func receive(_ call: Call) -> ByteBuffer {
    guard
      let template = templates[TemplateKey(wire: call.wire, withAttributes: call.wantsAttributes)]
    else { preconditionFailure("templates are made for every protocol") }
    return template.answer(tally.handOut(call.maxMessages), receivedAt: milliseconds())
  }

  private func hold(_ call: Call, on connection: Connection) {
    guard let loop = connection.eventLoop else { return }
    let end = loop.assumeIsolated().scheduleTask(in: .seconds(Int64(call.waitTime))) { [weak self, weak connection] in
      guard let self, let connection, self.remove(connection) != nil else { return }
      connection.answer(self.receive(call))
    }
    polls.append(Poll(connection: connection, call: call, end: end))
  }

  @discardableResult
  private func remove(_ connection: Connection) -> Poll? {
    guard let index = polls.firstIndex(where: { $0.connection === connection }) else { return nil }
    let poll = polls.remove(at: index)
    poll.end.cancel()
    return poll
  }

  private func attributes(_ call: Call) -> ByteBuffer {
    HTTPAnswer.make(
      call.wire.contentType,
      """
      {"Attributes":{"QueueArn":"arn:aws:sqs:us-east-1:000000000000:bench","VisibilityTimeout":"30",\
      "ApproximateNumberOfMessages":"\(tally.left)","ApproximateNumberOfMessagesNotVisible":"\(tally.missing)",\
      "ApproximateNumberOfMessagesDelayed":"0",\
      "RedrivePolicy":"{\\"deadLetterTargetArn\\":\\"arn:aws:sqs:us-east-1:000000000000:bench-dlq\\",\\"maxReceiveCount\\":3}"}}
      """)
  }
}
