import WorkerKit

extension QueueContract {
  /// Checks of batch calls: ten entries, and an outcome for each.
  static let batchChecks = [
    Check("ten messages are sent, shown and deleted by one call each, with an outcome for each") { subject in
      let sent = try await subject.queue.send((0..<10).map { subject.message("\($0)") }).map { try $0.get() }
      try subject.expect(sent.count == 10, "a send has an outcome for each message")
      let one = try await subject.receive(1, waiting: .seconds(20))
      try subject.expect(one.count == 1, "a receive of one message brings one")
      let received = try await one + subject.receiveAll(9)
      try subject.expect(
        Set(received.map(\.id)) == Set(sent)
          && received.allSatisfy { "\(sent.firstIndex(of: $0.id) ?? -1)" == $0.text },
        "outcomes of a send are in the order of its messages")
      try await subject.show(received)
      try await subject.delete(try await subject.receiveAll(10))
      try await subject.expectNothing("deleted messages are gone")
    },
    Check("a handle that is none fails alone, as a lost lease") { subject in
      try await subject.send(subject.message("1"), subject.message("2"))
      var messages = try await subject.receiveAll(2)
      let handles = [messages[0].receiptHandle, "nonsense", messages[1].receiptHandle]
      let changes = handles.map { VisibilityChange(receiptHandle: $0, timeout: .zero) }
      try subject.expectOneLostLease(try await subject.queue.changeVisibility(changes))
      messages = try await subject.receiveAll(2)
      try subject.expectOneLostLease(
        try await subject.queue.delete([messages[0].receiptHandle, "nonsense", messages[1].receiptHandle]))
      try await subject.expectNothing("the entries beside one that failed are deleted")
    },
    Check("a message that the queue refuses fails alone") { subject in
      // SQS accepts no control characters except tab and line breaks.
      let messages = ["1", "control \u{1}", "2"].map { subject.message($0) }
      let outcomes = try await subject.queue.send(messages)
      try subject.expect(outcomes.map(\.isSuccess) == [true, false, true], "a message that is refused fails alone")
      try subject.expectRefusal(outcomes[1])
      let received = try await subject.receiveAll(2)
      try subject.expect(Set(received.map(\.text)) == ["1", "2"], "the messages beside one that failed are sent")
      try await subject.delete(received)
    },
    Check("the largest message arrives whole, and a larger one is refused") { subject in
      let attribute = MessageAttribute.string("value")
      // The name, the type `String` and the value count as well.
      let body = String(repeating: "x", count: subject.largestMessage - "name".count - "String".count - "value".count)
      let outcomes = try await subject.queue.send([subject.message(body + "x", attributes: ["name": attribute])])
      try subject.expect(outcomes.count == 1, "a send has an outcome for each message")
      try subject.expectRefusal(outcomes[0])
      try await subject.send(subject.message(body, attributes: ["name": attribute]))
      let received = try await subject.receiveOne()
      try subject.expect(received.body.count == body.utf8.count, "the largest message arrives whole")
      try await subject.delete([received])
    },
  ]

  /// Checks of waiting receives and cancelled calls. The cancellation checks come last, because a server may detect it
  /// late.
  static let waitingChecks = [
    Check("a receive of an empty queue waits for as long as it is told") { subject in
      try await subject.expectNothing("an empty queue gives no messages")
      let start = ContinuousClock.now
      try subject.expect(try await subject.receive(waiting: .seconds(1)).isEmpty, "an empty queue gives no messages")
      try subject.expect(
        start.duration(to: .now) > .milliseconds(900), "a receive of an empty queue waits before it returns")
    },
    Check("a receive that waits is given what is sent meanwhile") { subject in
      async let waiting = subject.receive(waiting: .seconds(20))
      let ids = try await subject.send(subject.message("{}"))
      let messages = try await waiting
      try subject.expect(messages.map(\.id) == ids, "a receive that waits is given what is sent meanwhile")
      try await subject.delete(messages)
    },
    Check("a call whose task is cancelled throws CancellationError") { subject in
      let queue = subject.queue
      let message = subject.message("{}")
      let change = VisibilityChange(receiptHandle: "any", timeout: .zero)
      let calls: [(String, @Sendable () async throws -> Void)] = [
        ("send", { _ = try await queue.send([message]) }),
        ("delete", { _ = try await queue.delete(["any"]) }),
        ("changeVisibility", { _ = try await queue.changeVisibility([change]) }),
        ("attributes", { _ = try await queue.attributes() }),
        (
          "receive",
          { _ = try await queue.receive(maxMessages: 1, waitTime: .zero, visibilityTimeout: .seconds(1)) }
        ),
      ]
      for (name, call) in calls {
        let task = Task {
          withUnsafeCurrentTask { $0?.cancel() }
          try await call()
        }
        try subject.expectCancellation(
          await task.result, "\(name) throws CancellationError where its task is cancelled")
      }
    },
    Check("a receive that waits ends when its task is cancelled") { subject in
      let waiting = Task {
        _ = try await subject.receive(waiting: .seconds(20), hiding: .seconds(1))
      }
      // Cancellation before and during the wait must both work. The check yields only once: on a busy machine, a
      // hundred yields take longer than the receive waits.
      await Task.yield()
      waiting.cancel()
      // What a machine is slow at, it is slow at for both.
      let isFirst = await withTaskGroup(of: Bool.self) { group in
        group.addTask {
          _ = await waiting.result
          return true
        }
        group.addTask {
          try? await Task.sleep(for: .seconds(15))
          return false
        }
        defer { group.cancelAll() }
        return await group.next() ?? false
      }
      try subject.expectCancellation(
        await waiting.result, "a receive that waits throws CancellationError where its task is cancelled")
      try subject.expect(isFirst, "a receive that is cancelled ends at once")
    },
  ]
}

extension ContractSubject {
  fileprivate func expectOneLostLease(_ outcomes: [Result<Void, QueueError>]) throws {
    try expect(outcomes.map(\.isSuccess) == [true, false, true], "a handle that is none fails alone, at its place")
    if case .failure(let error) = outcomes[1] {
      try expect(error.isLeaseLost, "a handle that is none counts as a lost lease, and not as \(error.code)")
    }
  }

  fileprivate func expectRefusal(_ outcome: Result<String, QueueError>) throws {
    guard case .failure(let error) = outcome else {
      throw QueueContract.Violation(description: "broken: a message beyond a limit is refused")
    }
    try expect(error.kind == .badRequest, "a message that is refused is a bad request, and not \(error.kind)")
  }

  fileprivate func expectCancellation(_ result: Result<Void, any Error>, _ promise: String) throws {
    guard case .failure(let error) = result, error is CancellationError else {
      throw QueueContract.Violation(description: "broken: \(promise)")
    }
  }
}
