import GRDB
import Testing

@testable import LocalQueue

/// What takes minutes or days, and what a restart and a failing disk do to it.
@Suite("The queues over time", .timeLimit(.minutes(20)))
struct BrokerTests {
  @Test("a message is dropped when the queue's retention is over, delivered or not")
  func retention() async throws {
    try await LocalBroker.with(try LocalBroker.makeDatabase()) { broker in
      try await broker.createQueue("short", ["MessageRetentionPeriod": "60"])
      _ = try await broker.send("old", to: "short")
      try await broker.advance(bySeconds: 59)
      _ = try await broker.send("new", to: "short")
      #expect(try await broker.counts("short") == [2, 0, 0])
      try await broker.advance(bySeconds: 2)
      #expect(try await broker.receive(from: "short").map { $0["Body"]?.text } == ["new"])
      try await broker.advance(bySeconds: 60)
      #expect(try await broker.counts("short") == [0, 0, 0])
    }
  }

  @Test("a FIFO queue knows a deduplication id for five minutes, and over a restart")
  func deduplication() async throws {
    let database = try LocalBroker.makeDatabase()
    var first = ""
    try await LocalBroker.with(database) { broker in
      try await broker.createQueue("once.fifo", ["FifoQueue": "true"])
      first = try await broker.send("one", to: "once.fifo", group: "g", deduplicationID: "d")
    }
    try await LocalBroker.with(database) { broker in
      try await broker.advance(bySeconds: 299)
      #expect(try await broker.send("again", to: "once.fifo", group: "g", deduplicationID: "d") == first)
      #expect(try await broker.counts("once.fifo") == [1, 0, 0])
      try await broker.advance(bySeconds: 1)
      #expect(try await broker.send("later", to: "once.fifo", group: "g", deduplicationID: "d") != first)
      #expect(try await broker.counts("once.fifo") == [2, 0, 0])
    }
  }

  @Test("a changed scope of deduplication ids is in force a minute later", arguments: [false, true])
  func deduplicationScope(isByGroup: Bool) async throws {
    let scopes = isByGroup ? ["messageGroup", "queue"] : ["queue", "messageGroup"]
    try await LocalBroker.with(try LocalBroker.makeDatabase()) { broker in
      try await broker.createQueue("once.fifo", ["FifoQueue": "true", "DeduplicationScope": scopes[0]])
      try await broker.perform(
        SetQueueAttributes(QueueUrl: "once.fifo", Attributes: ["DeduplicationScope": scopes[1]]))
      for (seconds, isByGroup) in [(59, isByGroup), (1, !isByGroup)] {
        try await broker.advance(bySeconds: seconds)
        let id = "after-\(seconds)"
        let one = try await broker.send("one", to: "once.fifo", group: "one", deduplicationID: id)
        let two = try await broker.send("two", to: "once.fifo", group: "two", deduplicationID: id)
        #expect((one != two) == isByGroup)
      }
    }
  }

  @Test("twelve hours after the receive a message can be kept no longer")
  func twelveHours() async throws {
    try await LocalBroker.with(try LocalBroker.makeDatabase()) { broker in
      try await broker.createQueue("long", ["VisibilityTimeout": "43200"])
      _ = try await broker.send("held", to: "long")
      let handle = try #require(try await broker.receive(from: "long").first?["ReceiptHandle"]?.text)
      try await broker.advance(bySeconds: 100)
      let change = { ChangeMessageVisibility(QueueUrl: "long", ReceiptHandle: handle, VisibilityTimeout: $0) }
      try await broker.perform(change(43_100))
      let error = await #expect(throws: ServiceError.self) { try await broker.perform(change(43_101)) }
      #expect(error?.code == "InvalidParameterValue")
      try await broker.advance(bySeconds: 43_099)
      #expect(try await broker.counts("long") == [0, 1, 0])
      try await broker.advance(bySeconds: 1)
      #expect(try await broker.counts("long") == [1, 0, 0])
    }
  }

  @Test("a restart finds queues, tags, messages, those in flight and those delayed")
  func restart() async throws {
    let database = try LocalBroker.makeDatabase()
    var handle = ""
    try await LocalBroker.with(database) { broker in
      try await broker.createQueue("kept", ["VisibilityTimeout": "60"])
      try await broker.perform(TagQueue(QueueUrl: "kept", Tags: ["team": "crew"]))
      // A group on a standard queue, which is for fairness, is no FIFO group.
      _ = try await broker.send("in flight", to: "kept", group: "guild")
      handle = try #require(try await broker.receive(from: "kept").first?["ReceiptHandle"]?.text)
      _ = try await broker.send("visible", to: "kept", group: "guild")
      try await broker.perform(SendMessage(QueueUrl: "kept", MessageBody: "delayed", DelaySeconds: 30))
    }
    try await LocalBroker.with(database) { broker in
      #expect(try await broker.counts("kept") == [1, 1, 1])
      #expect(try await broker.perform(ListQueueTags(QueueUrl: "kept"))["Tags"]?["team"]?.text == "crew")
      // The handle of before is still the latest.
      try await broker.perform(DeleteMessage(QueueUrl: "kept", ReceiptHandle: handle))
      #expect(try await broker.counts("kept") == [1, 0, 1])
      try await broker.advance(bySeconds: 30)
      #expect(try await broker.receive(from: "kept").map { $0["Body"]?.text } == ["visible", "delayed"])
    }
  }

  @Test("a handle of a message that is gone never means another, not after a restart either")
  func handlesAreNotReused() async throws {
    let database = try LocalBroker.makeDatabase()
    var handle = ""
    try await LocalBroker.with(database) { broker in
      try await broker.createQueue("q")
      _ = try await broker.send("first", to: "q")
      handle = try #require(try await broker.receive(from: "q").first?["ReceiptHandle"]?.text)
      try await broker.perform(DeleteMessage(QueueUrl: "q", ReceiptHandle: handle))
    }
    try await LocalBroker.with(database) { broker in
      _ = try await broker.send("second", to: "q")
      _ = try await broker.receive(from: "q")
      try await broker.perform(DeleteMessage(QueueUrl: "q", ReceiptHandle: handle))
      #expect(try await broker.counts("q") == [0, 1, 0])
    }
  }

  @Test("a move task keeps to its pace, and goes on after a restart")
  func movesAtItsPace() async throws {
    let database = try LocalBroker.makeDatabase()
    let arn = "arn:aws:sqs:us-east-1:000000000000:"
    try await LocalBroker.with(database) { broker in
      try await broker.createQueue("dead")
      try await broker.createQueue(
        "work", ["RedrivePolicy": #"{"deadLetterTargetArn":"\#(arn)dead","maxReceiveCount":1}"#])
      for number in 0..<10 { _ = try await broker.send("\(number)", to: "dead") }
      try await broker.perform(
        StartMessageMoveTask(
          SourceArn: "\(arn)dead", DestinationArn: "\(arn)work", MaxNumberOfMessagesPerSecond: 2))
      #expect(try await broker.counts("work") == [1, 0, 0])
      try await broker.advance(bySeconds: 1)
      #expect(try await broker.counts("work") == [3, 0, 0])
    }
    try await LocalBroker.with(database) { broker in
      try await broker.advance(bySeconds: 0)  // It has started, and its pace counts from now.
      try await broker.advance(bySeconds: 10)
      #expect(try await broker.counts("work") == [10, 0, 0])
      #expect(try await broker.counts("dead") == [0, 0, 0])
      let tasks = try await broker.perform(ListMessageMoveTasks(SourceArn: "\(arn)dead"))["Results"]?.elements
      #expect(tasks?.first?["Status"]?.text == "COMPLETED")
    }
  }

  @Test("when the database fails everybody is told, nothing is half done, and the next request is served")
  func failingDatabase() async throws {
    let database = try LocalBroker.makeDatabase()
    try await database.write { db in
      try db.execute(
        sql: """
          CREATE TRIGGER refuse BEFORE INSERT ON messages WHEN NEW.body = 'poison'
          BEGIN SELECT RAISE(ABORT, 'refused'); END
          """)
    }
    try await LocalBroker.with(database) { broker in
      try await broker.createQueue("q")
      let waiting = await broker.startWaiting(on: "q")
      let batch = ["good", "poison"].map { SendMessageBatch.Entry(Id: $0, MessageBody: $0) }
      let error = await #expect(throws: ServiceError.self) {
        try await broker.perform(SendMessageBatch(QueueUrl: "q", Entries: batch))
      }
      #expect(error?.status == 500)
      // It waited meanwhile, and has to ask again.
      await #expect(throws: ServiceError.self) { try await waiting.value }
      #expect(try await broker.counts("q") == [0, 0, 0])
      _ = try await broker.send("good", to: "q")
      #expect(try await broker.receive(from: "q").map { $0["Body"]?.text } == ["good"])
    }
  }

  @Test("when the commit itself fails, a receive that it had served is told, too")
  func failingCommit() async throws {
    let database = try LocalBroker.makeDatabase()
    try await database.write { db in
      try db.execute(
        sql: """
          CREATE TABLE parents (id INTEGER PRIMARY KEY);
          CREATE TABLE children (parent REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED);
          CREATE TRIGGER refuse AFTER UPDATE OF receive_count ON messages WHEN NEW.body = 'poison'
          BEGIN INSERT INTO children VALUES (1); END
          """)
    }
    try await LocalBroker.with(database) { broker in
      try await broker.createQueue("q")
      let waiting = await broker.startWaiting(on: "q")
      await #expect(throws: ServiceError.self) { _ = try await broker.send("poison", to: "q") }
      await #expect(throws: ServiceError.self) { try await waiting.value }
      #expect(try await broker.counts("q") == [0, 0, 0])
    }
  }

  @Test("a poll of a dead-letter queue wakes when a poll of its source moves a message there")
  func wakesOnRedrive() async throws {
    // Which queue is looked at first is a matter of hashing: several, so that every order comes.
    try await LocalBroker.with(try LocalBroker.makeDatabase()) { broker in
      var polls: [(source: Task<JSONValue, any Error>, dead: Task<JSONValue, any Error>)] = []
      for number in 0..<8 {
        let dead = "dead-\(number)"
        try await broker.createQueue(dead)
        let policy = #"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:\#(dead)","maxReceiveCount":1}"#
        try await broker.createQueue("work-\(number)", ["RedrivePolicy": policy, "VisibilityTimeout": "1"])
        _ = try await broker.send("once", to: "work-\(number)")
        _ = try await broker.receive(from: "work-\(number)")
        polls.append((await broker.startWaiting(on: "work-\(number)"), await broker.startWaiting(on: dead)))
      }
      try await broker.advance(bySeconds: 1)
      for poll in polls {
        #expect(try await poll.dead.value["Messages"]?.elements?.count == 1)
      }
      try await broker.advance(bySeconds: 20)
      for poll in polls {
        #expect(try await poll.source.value == .emptyObject)
      }
    }
  }

  @Test("a database that cannot be read ends the loop, and whoever asked is told")
  func unreadableDatabase() async throws {
    let database = try LocalBroker.makeDatabase()
    try await LocalBroker.with(database) { try await $0.createQueue("q") }
    try await database.write { try $0.execute(sql: "UPDATE queues SET attributes = 'nonsense'") }
    var answer: (any Error)?
    await #expect(throws: DecodingError.self) {
      try await LocalBroker.with(database) { broker in
        do {
          try await broker.perform(ListQueues())
        } catch {
          answer = error
        }
      }
    }
    #expect(answer is ServiceError)
  }

  @Test("no more than 120,000 messages are in flight at once")
  func inFlightLimit() async throws {
    let database = try LocalBroker.makeDatabase()
    try await LocalBroker.with(database) { broker in
      try await broker.createQueue("q")
    }
    let now: Milliseconds = 1_800_000_000_000
    try await database.write { db in
      try db.execute(
        sql: """
          WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 120000)
          INSERT INTO messages (id, queue, message_id, body, sender_id, sent_at, hidden_until, received_at, receive_count)
          SELECT n, 1, n, 'x', 'test', ?1, ?2, ?1, CASE WHEN n < 120000 THEN 1 ELSE 0 END FROM numbers;
          UPDATE counters SET last_message = 120000;
          """, arguments: [now, now + .seconds(30)])
      try db.execute(sql: "UPDATE messages SET hidden_until = 0 WHERE receive_count = 0")
    }
    try await LocalBroker.with(database, at: now) { broker in
      #expect(try await broker.counts("q") == [1, 119_999, 0])
      #expect(try await broker.receive(from: "q").count == 1, "there is room for one")
      let error = await #expect(throws: ServiceError.self) { _ = try await broker.receive(from: "q") }
      #expect(error?.code == "OverLimit")
      try await broker.advance(bySeconds: 30)
      #expect(try await broker.receive(from: "q").count == 10, "their leases are over")
    }
  }
}
