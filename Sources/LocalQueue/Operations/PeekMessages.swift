/// Returns a queue's messages without receiving them, for debugging. It is not an operation of SQS.
struct PeekMessages: Operation {
  struct QueueName: Decodable, Sendable {
    /// The region. Such requests are not signed, so it may be absent.
    var region: String?
    var name: String
  }

  /// The approximate maximum size of the response in bytes, because other requests wait for it. The oldest messages are
  /// returned.
  private static let limit = 8 * Limits.messageSize

  var queue: QueueName
  /// Whether to include messages in flight and those that they block.
  var showsInvisible = false
  var showsDelayed = false

  func run(in broker: Broker, for caller: Caller) throws -> Outcome {
    let queue = try broker.queue(named: queue.name, region: queue.region)
    try broker.settle(queue)
    var messages: [JSONValue] = []
    var size = 0
    for id in shownMessages(of: queue.messages) where size < Self.limit {
      guard let phase = queue.messages[id]?.phase else { continue }
      let message = try broker.storage.message(id)
      size += message.body.utf8.count + (message.attributes?.count ?? 0) + 500
      messages.append(try message.peeked(phase, isFIFO: queue.attributes.isFIFO))
    }
    return .answer(messages.isEmpty ? .emptyObject : ["Messages": .array(messages)])
  }

  private func shownMessages(of index: MessageIndex) -> [Int64] {
    let receivable = Set(index.receivable)
    return index.ids.sorted().filter { id in
      switch index[id]?.phase {
      case .visible: showsInvisible || receivable.contains(id)
      case .inFlight: showsInvisible
      case .delayed: showsDelayed
      case nil: false
      }
    }
  }
}

extension StoredMessage {
  /// The message with all its properties and its location.
  fileprivate func peeked(_ phase: MessageIndex.Phase, isFIFO: Bool) throws -> JSONValue {
    var system = systemAttributes(isFIFO: isFIFO)
    if firstReceivedAt == nil { system.append(.init("ApproximateFirstReceiveTimestamp", .string("0"))) }
    system.append(.init("IsVisible", .string(String(phase != .inFlight))))
    system.append(.init("IsDelayed", .string(String(phase == .delayed))))
    return try json(handle: "SQS/BACKDOOR/ACCESS", system: system, attributeNames: ["All"])
  }
}
