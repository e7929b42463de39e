import TestSupport
import Testing

@testable import LocalQueue

/// Any sequence of operations does what a list that is searched from its beginning would do.
@Suite("The index of a queue's messages")
struct MessageIndexTests {
  /// A failure names its seed; put it into the list to run that sequence again.
  static let seeds: [UInt64] = [1, 2, 3, 4, SeededGenerator.drawnSeed]

  @Test("agrees with a simple model", arguments: seeds, [false, true])
  func agreesWithAModel(seed: UInt64, isFIFO: Bool) {
    var random = SeededGenerator(seed: seed)
    var index = MessageIndex(isFIFO: isFIFO)
    var model = Model(isFIFO: isFIFO)
    var now: Milliseconds = 1_000_000
    for step in 0..<2_000 {
      let comment: Comment = "seed \(seed), step \(step)"
      now += Milliseconds.random(in: 0..<200, using: &random)
      index.showDue(at: now)
      switch Int.random(in: 0..<10, using: &random) {
      case 0..<4:
        let delay = Bool.random(using: &random) ? 0 : Milliseconds.random(in: 1..<1_000, using: &random)
        let group = isFIFO ? "g\(Int.random(in: 0..<4, using: &random))" : nil
        let id = Int64(step)
        index.insert(
          id,
          .init(
            phase: delay > 0 ? .delayed : .visible, hiddenUntil: now + delay, sentAt: now, receivedAt: 0,
            receiveCount: 0, group: group))
        model.messages.append(.init(id: id, sentAt: now, hiddenUntil: now + delay, group: group))
      case 4..<7:
        let count = Int.random(in: 1...10, using: &random)
        let until = now + .random(in: 1..<2_000, using: &random)
        let taken = index.take(count, at: now, hiddenUntil: until, sentAfter: now - 60_000, maxReceiveCount: 3)
        model.check(taken, count, at: now, hiddenUntil: until, comment)
      case 7:
        // In flight, or visible again.
        if let id = model.received().randomElement(using: &random) {
          let until = now + .random(in: 0..<2_000, using: &random)
          index.hide(id, until: until, at: now)
          model.hide(id, until: until)
        }
      default:
        if let id = model.messages.randomElement(using: &random)?.id {
          index.remove(id)
          model.messages.removeAll { $0.id == id }
        }
      }
      #expect(index.count == model.messages.count, comment)
      #expect(index.inFlightCount == model.inFlight(at: now).count, comment)
      #expect(index.visibleCount == model.messages.count { $0.hiddenUntil <= now }, comment)
      #expect(index.receivable == model.receivable(at: now).map(\.id), comment)
    }
  }

  @Test("what is older than the queue keeps is dropped, whoever has it")
  func expires() {
    var index = MessageIndex(isFIFO: false)
    for (id, sentAt) in [(1, 100), (2, 200), (3, 300)] as [(Int64, Milliseconds)] {
      index.insert(
        id, .init(phase: .visible, hiddenUntil: 0, sentAt: sentAt, receivedAt: 0, receiveCount: 0, group: nil))
    }
    let taken = index.take(1, at: 400, hiddenUntil: 500, sentAfter: 100, maxReceiveCount: nil)
    #expect(taken.expired == [1])
    #expect(taken.received == [2])
    #expect(index.expire(sentBefore: 200) == [2], "in flight, and too old all the same")
    #expect(index.count == 1)
    #expect(index.inFlightCount == 0)
  }
}

/// The rules, without any thought of speed.
private struct Model {
  struct Message {
    var id: Int64
    var sentAt: Milliseconds
    var hiddenUntil: Milliseconds
    var group: String?
    var receiveCount = 0
  }

  let isFIFO: Bool
  /// In the order in which they were sent.
  var messages: [Message] = []

  func inFlight(at now: Milliseconds) -> [Int64] {
    messages.filter { $0.hiddenUntil > now && $0.receiveCount > 0 }.map(\.id)
  }

  /// What is visible; on a FIFO queue, what is not behind a message of its group that is not.
  func receivable(at now: Milliseconds) -> [Message] {
    let visible = messages.filter { $0.hiddenUntil <= now }
    guard isFIFO else { return visible }
    return visible.filter { message in
      let firstHidden = messages.first { $0.group == message.group && $0.hiddenUntil > now }
      return message.id < (firstHidden?.id ?? .max)
    }
  }

  func received() -> [Int64] { messages.filter { $0.receiveCount > 0 }.map(\.id) }

  mutating func hide(_ id: Int64, until: Milliseconds) {
    guard let index = messages.firstIndex(where: { $0.id == id }) else { return }
    messages[index].hiddenUntil = until
  }

  /// Whether what was taken is what may be taken, and as much as may be; then takes it here, too.
  mutating func check(
    _ taken: MessageIndex.Taken, _ count: Int, at now: Milliseconds, hiddenUntil: Milliseconds, _ comment: Comment
  ) {
    let receivable = receivable(at: now)
    let dead = Set(receivable.filter { $0.receiveCount >= 3 }.map(\.id))
    let allowed = receivable.filter { $0.receiveCount < 3 }.map(\.id)
    #expect(Set(taken.dead).isSubset(of: dead), comment)
    #expect(Set(taken.received).isSubset(of: Set(allowed)), comment)
    #expect(taken.received.count == min(count, allowed.count), comment)
    #expect(taken.expired.isEmpty, comment)
    if isFIFO {
      for group in Set(messages.compactMap(\.group)) {
        let order = allowed.filter { id in messages.contains { $0.id == id && $0.group == group } }
        let received = taken.received.filter(order.contains)
        #expect(received == Array(order.prefix(received.count)), "the order of a group; \(comment)")
      }
    }
    messages.removeAll { taken.dead.contains($0.id) }
    for index in messages.indices where taken.received.contains(messages[index].id) {
      messages[index].receiveCount += 1
      messages[index].hiddenUntil = hiddenUntil
    }
  }
}
