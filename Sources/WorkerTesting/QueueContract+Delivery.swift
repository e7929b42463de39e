import WorkerKit

extension QueueContract {
  /// Checks of the delivery of one message.
  static let deliveryChecks = [
    Check("a message arrives as it was sent, once, with an id of its own") { subject in
      let bodies = ["{}", "two\nlines \"quoted\" \\ and a tab\t", "世界 🎁"]
      let messages = bodies.map { subject.message($0, attributes: ContractSubject.attributes) }
      let ids = try await subject.send(messages[0], messages[1], messages[2])
      try subject.expect(Set(ids).count == 3, "each message has an id of its own")
      let received = try await subject.receiveAll(3)
      for (id, body) in zip(ids, bodies) {
        let message = received.first { $0.id == id }
        try subject.expect(message != nil, "a message is received under the id that its sending returned")
        try subject.expect(message?.body == Array(body.utf8), "a body arrives as it was sent")
        try subject.expect(message?.attributes == ContractSubject.attributes, "attributes arrive as they were sent")
        try subject.expect(message?.receiveCount == 1, "a first receive counts as one")
      }
      try await subject.delete(received)
      try await subject.expectNothing("a deleted message is gone")
    },
    Check("a message in flight is hidden until its timeout is set to zero, and is counted when it comes again") {
      subject in
      try await subject.send(subject.message("{}"))
      let first = try await subject.receiveOne()
      try await subject.expectNothing("a message in flight is hidden")
      try await subject.show([first])
      let second = try await subject.receiveOne()
      try subject.expect(second.id == first.id, "a message keeps its id")
      try subject.expect(second.receiveCount == 2, "a second receive counts as two")
      try await subject.delete([second])
    },
    Check("a message comes again when its visibility timeout ends") { subject in
      try await subject.send(subject.message("{}"))
      let first = try await subject.receiveOne(hiding: .seconds(1))
      // No pause: the next receive waits for the message.
      let second = try await subject.receiveOne()
      try subject.expect(second.id == first.id && second.receiveCount == 2, "a message comes again, and is counted")
      try await subject.delete([second])
    },
    Check("a visibility timeout that is extended counts from the extension") { subject in
      // On a slow machine the timeout may end before it is extended. The check then tries a longer timeout.
      for timeout in [2, 4, 8, 16] {
        try await subject.send(subject.message("{}"))
        let start = ContinuousClock.now
        let message = try await subject.receiveOne(hiding: .seconds(timeout))
        let change = VisibilityChange(receiptHandle: message.receiptHandle, timeout: .seconds(600))
        let isExtended = try await subject.queue.changeVisibility([change]).allSatisfy(\.isSuccess)
        guard start.duration(to: .now) < .seconds(timeout) else {
          try await subject.delete([isExtended ? message : subject.receiveOne(hiding: .seconds(60))])
          continue
        }
        try subject.expect(isExtended, "a visibility timeout is extended")
        try subject.expect(
          try await subject.receive(waiting: .seconds(timeout + 1)).isEmpty,
          "a message is hidden until its extended timeout ends")
        return try await subject.delete([message])
      }
      throw Violation(description: "broken: a visibility timeout of 16 s can be extended before it ends")
    },
    Check("a message is not received more often than maxReceiveCount, and goes to the dead-letter queue") { subject in
      let id = try await subject.send(subject.message("{}", attributes: ContractSubject.attributes))[0]
      for count in 1...2 {
        let message = try await subject.receiveOne()
        try subject.expect(message.receiveCount == count, "each receive is counted")
        try await subject.show([message])
      }
      try await subject.expectNothing("a message is not received more often than maxReceiveCount")
      guard let queue = try await subject.queue.deadLetterQueue() else {
        throw Violation(description: "broken: the dead-letter queue of the redrive policy is known")
      }
      let deadLetters = ContractSubject(queue: queue, largestMessage: subject.largestMessage)
      let deadLetter = try await deadLetters.receiveOne()
      try subject.expect(
        deadLetter.id == id && deadLetter.body == Array("{}".utf8), "redrive keeps the id and the body")
      try subject.expect(deadLetter.attributes == ContractSubject.attributes, "redrive keeps the attributes")
      try await deadLetters.delete([deadLetter])
    },
    Check("the queue tells its redrive policy, and counts what it holds") { subject in
      let before = try await subject.queue.attributes()
      try subject.expect(before.redrivePolicy?.maxReceiveCount == 2, "attributes have the redrive policy")
      try subject.expect(before.isEmpty, "a queue whose messages were deleted is empty")
      try await subject.send(subject.message("{}"))
      try subject.expect(try await !subject.queue.attributes().isEmpty, "a queue with a message is not empty")
      let message = try await subject.receiveOne()
      try subject.expect(try await !subject.queue.attributes().isEmpty, "a queue with a message in flight is not empty")
      try await subject.delete([message])
    },
  ]

  /// Checks of the order of a FIFO queue's groups.
  static let orderChecks = [
    Check("the messages of a group are received in the order in which they were sent") { subject in
      for number in 1...4 { try await subject.send(subject.message("a\(number)", group: "a")) }
      var bodies: [String] = []
      while bodies.count < 4 {
        let messages = try await subject.receive(waiting: .seconds(20))
        try subject.expect(!messages.isEmpty, "what is behind a deleted message is received within 20 seconds")
        bodies += messages.map(\.text)
        try await subject.delete(messages)
      }
      try subject.expect(bodies == ["a1", "a2", "a3", "a4"], "a group's order is kept, and not \(bodies)")
    },
    Check("what is behind a message in flight waits for it, and other groups do not") { subject in
      try await subject.send(subject.message("a1", group: "a"))
      let first = try await subject.receiveOne()
      try await subject.send(subject.message("a2", group: "a"), subject.message("b1", group: "b"))
      let others = try await subject.receive(waiting: .seconds(20))
      try subject.expect(
        others.map(\.text) == ["b1"], "a message waits for the one before it in its group, and other groups do not")
      try await subject.expectNothing("a message waits for the one before it in its group")
      try await subject.delete([first])
      let second = try await subject.receiveOne()
      try subject.expect(second.text == "a2", "a message comes when the one before it is deleted")
      try await subject.delete(others + [second])
    },
    Check("a message that is made visible again comes before those behind it") { subject in
      try await subject.send(subject.message("a1", group: "a"))
      try await subject.send(subject.message("a2", group: "a"))
      let first = try await subject.receive(1, waiting: .seconds(20))
      try subject.expect(first.map(\.text) == ["a1"], "the first of a group is received first")
      try await subject.show(first)
      let again = try await subject.receive(1, waiting: .seconds(20))
      try subject.expect(again.map(\.id) == first.map(\.id), "a message that failed comes before those behind it")
      try await subject.delete(again)
      try await subject.delete([try await subject.receiveOne()])
    },
    Check("a deduplication id that comes again sends nothing") { subject in
      let message = subject.message("{}")
      let ids = try await subject.send(message) + subject.send(message)
      try subject.expect(ids[0] == ids[1], "a repeated deduplication id returns the id of the first message")
      let received = try await subject.receiveOne()
      try await subject.delete([received])
      try await subject.expectNothing("a repeated deduplication id sends no second message")
    },
  ]
}
