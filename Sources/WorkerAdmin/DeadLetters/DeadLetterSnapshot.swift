import Foundation
import WorkerKit

/// The dead letters of a queue, as one refresh received them.
struct DeadLetterSnapshot: Sendable {
  /// More are counted, and not kept.
  static let deadLetterLimit = 50_000

  var queue: String
  var deadLetterQueue: String
  var time: Date
  /// In their order: the newest first.
  var deadLetters: [DeadLetterSummary] = []
  var groups: [DeadLetterGroup] = []
  /// How many were received for it, each of which is a receive of its dead letter's.
  var received = 0
  /// About how many someone else had in flight.
  var inOthersHands = 0
  /// What a reader of it must know.
  var remarks: [String] = []
  private var heldBytes = 0
  /// Of bodies and attributes, in bytes.
  private let memoryLimit: Int

  init(queue: String, deadLetterQueue: String, time: Date = Date(), memoryLimit: Int) {
    self.memoryLimit = memoryLimit
    self.queue = queue
    self.deadLetterQueue = deadLetterQueue
    self.time = time
  }

  mutating func add(_ found: [DeadLetter]) {
    for deadLetter in found where deadLetters.count < Self.deadLetterLimit {
      var seen = DeadLetterSummary(deadLetter)
      let size = deadLetter.message.size
      if heldBytes + size <= memoryLimit {
        heldBytes += size
      } else {
        seen.deadLetter = nil
      }
      deadLetters.append(seen)
    }
  }

  mutating func finish(_ visit: DeadLetterReader.Visit, _ attributes: QueueAttributes, isFIFO: Bool) {
    received = visit.received
    inOthersHands = attributes.messagesInFlight
    deadLetters.sort { ($0.sent ?? .distantPast, $0.id) > ($1.sent ?? .distantPast, $1.id) }
    groups = DeadLetterGroup.all(of: deadLetters)
    if visit.matched > deadLetters.count {
      remarks.append(
        "\(Format.number(visit.matched - deadLetters.count)) more are not kept here; redrive or discard some, and refresh the list"
      )
    }
    let unkept = deadLetters.count { $0.deadLetter == nil }
    if unkept > 0 {
      remarks.append(
        "The bodies of \(Format.number(unkept)) are not kept, so a search does not cover them; to show or export one is one more receive"
      )
    }
    if visit.ofOtherQueues > 0 {
      remarks.append(
        "\(Format.number(visit.ofOtherQueues)) of other queues were left out: \(visit.otherQueues.sorted().prefix(5).joined(separator: ", "))"
      )
    }
    if visit.notGivenBack > 0 {
      remarks.append(
        "\(Format.number(visit.notGivenBack)) could not be given back, and are hidden for up to \(Int(DeadLetterReader.holdTime.inSeconds / 60)) minutes"
      )
    }
    if isFIFO, visit.received < attributes.visibleMessages {
      remarks.append(
        "a FIFO queue delivers at most ten messages of a group at once; act on these, and refresh the list")
    }
    switch visit.end {
    case .everything, .found: break
    case .cancelled: remarks.append("the refresh was cancelled, so the list is incomplete")
    case .tookTooLong: remarks.append("the refresh took longer than the visibility timeout, so the list is incomplete")
    case .tooManyHeld: remarks.append("SQS allows no more messages in flight, so the list is incomplete")
    case .failed(let error): remarks.append("the refresh failed, so the list is incomplete: \(error)")
    }
  }

  /// Takes out dead letters that are gone.
  mutating func remove(_ ids: Set<String>) {
    deadLetters.removeAll { ids.contains($0.id) }
    groups = DeadLetterGroup.all(of: deadLetters)
  }

  /// - Parameters:
  ///   - group: A group's key; nil for all.
  ///   - text: A part of a body, an attribute, an id or a failure's message; nil for all.
  func deadLetters(group: String?, text: String?) -> [DeadLetterSummary] {
    guard group != nil || text != nil else { return deadLetters }
    let wanted = text?.lowercased()
    return deadLetters.filter { deadLetter in
      (group == nil || deadLetter.groupKey == group) && (wanted.map { deadLetter.contains($0) } ?? true)
    }
  }
}

extension DeadLetterSummary {
  /// - Parameter text: In lower case.
  fileprivate func contains(_ text: String) -> Bool {
    if id.contains(text) || message.lowercased().contains(text) { return true }
    guard let deadLetter else { return false }
    if String(decoding: deadLetter.message.body, as: UTF8.self).lowercased().contains(text) { return true }
    if deadLetter.originalMessageID.contains(text) { return true }
    return deadLetter.message.attributes.contains { name, attribute in
      name.lowercased().contains(text) || (attribute.stringValue?.lowercased().contains(text) ?? false)
    }
  }
}
