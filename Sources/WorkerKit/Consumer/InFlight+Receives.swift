/// Room for receives: how many messages one may bring now, and what it has brought.
extension InFlight {
  /// What may be received.
  enum Intake: Sendable {
    case nothing
    /// For slots that are free.
    case forFreeSlots
    case ahead
  }

  /// Waits until another receive may begin, and reserves room for what it brings: ahead of the free slots, where that is
  /// wanted, and else in free slots. While as many are parked or in settlement as may be, there is none.
  ///
  /// - Parameters:
  ///   - count: How many it would bring at most; 1 at least. What is in flight may change that while this waits.
  ///   - patience: How long it waits for room for that many when a slot is free. Slots come free one after another, and a
  ///     receive for each would be ten calls where one does.
  ///   - intake: What may be received. ``reconsiderReceives()`` says that this may have changed.
  /// - Returns: how many are reserved: `count` at most; nil after ``close()``. ``fill(_:of:after:)`` or ``release(_:)``
  ///   must follow.
  /// - Throws: `CancellationError`.
  func reserveSlots(
    _ count: @autoclosure @escaping @Sendable () -> Int, patience: Duration,
    intake: @escaping @Sendable () -> Intake = { .ahead }
  ) async throws -> Int? {
    while true {
      try await held.wait { [self] in
        $0.isClosed || $0.isLoopAsked || size(count(), takesFewer: true, intake, $0) > 0
      }
      held.update { $0.isLoopAsked = false }
      if patience > .zero, held.read({ [self] in size(count(), takesFewer: false, intake, $0) == 0 }) {
        held.update { $0.takesFewer = false }
        let end = deadlines.set(after: patience) { self.held.update { $0.takesFewer = true } }
        defer { deadlines.cancel(end) }
        try await held.wait { [self] in
          $0.isClosed || $0.isLoopAsked || size(count(), takesFewer: $0.takesFewer, intake, $0) > 0
        }
      }
      guard let slots = reserve(count(), intake: intake) else { return nil }
      if slots > 0 { return slots }
    }
  }

  /// Reserves room for a receive that may begin now.
  ///
  /// - Returns: for how many messages; 0 where none may begin; nil after ``close()``.
  func reserve(
    _ count: Int, takesFewer: Bool = true, intake: @escaping @Sendable () -> Intake = { .ahead }
  ) -> Int? {
    held.update { [self] held in
      guard !held.isClosed else { return nil }
      let slots = size(count, takesFewer: takesFewer, intake, held)
      guard slots > 0 else { return 0 }
      held.reserved += slots
      held.polls.begin()
      return slots
    }
  }

  /// For how many messages a receive may begin now.
  private func size(_ count: Int, takesFewer: Bool, _ intake: () -> Intake, _ held: Held) -> Int {
    guard held.polls.mayBegin, hasRoom(held) else { return 0 }
    let free = capacity - held.claims
    let full = min(count, capacity + held.prefetch.most)
    let allowance = held.prefetch.allowance(roundTrip: held.polls.roundTrip.base)
    guard free + allowance >= full || free > 0 && takesFewer else { return 0 }
    switch intake() {
    case .nothing: return 0
    case .ahead where free + allowance >= full: return full
    case .ahead, .forFreeSlots: return free >= full || takesFewer ? max(0, min(full, free)) : 0
    }
  }

  /// Waits until the loop, which waits for its next receive, has answered.
  ///
  /// - Throws: `CancellationError`.
  func untilLoopAnswers() async throws {
    held.update { $0.isLoopAsked = true }
    try await held.wait { !$0.isLoopAsked || $0.isClosed }
  }

  /// Takes in what a receive has brought.
  ///
  /// - Parameters:
  ///   - slots: How many it could have brought.
  ///   - duration: How long it took.
  /// - Returns: those whose handling is to begin. The others are ahead: they get the slots that come free.
  func fill(_ deliveries: [Delivery], of slots: Int, after duration: Duration = .zero) -> [Delivery] {
    change { held in
      held.reserved -= slots
      held.polls.end(with: deliveries.count, of: slots, after: duration)
      held.deliveries.formUnion(deliveries)
      held.bytes += deliveries.reduce(0) { $0 + $1.size }
      held.ahead.append(contentsOf: deliveries)
      return false
    }
  }

  /// Frees what was reserved for a receive that was not made, or was cut off.
  func release(_ slots: Int) {
    held.update { held in
      held.reserved -= slots
      held.polls.cancel()
    }
  }

  /// Frees what was reserved for a receive that has failed; another takes its place after a rest.
  func release(_ slots: Int, resting rest: () async -> Void) async {
    held.update { $0.reserved -= slots }
    await rest()
    held.update { $0.polls.end(with: nil, of: slots) }
  }

  /// Ends the receiving: nothing is reserved any more. What is under way goes on.
  func close() {
    held.update { $0.isClosed = true }
  }

  /// Waits until nothing is reserved any more.
  func untilClosed() async throws {
    try await held.wait { $0.isClosed }
  }

  /// Waits until no receive is under way.
  func untilReceivesEnd() async throws {
    try await held.wait { $0.polls.underWay == 0 }
  }

  /// To be called when it may have changed what may be received.
  func reconsiderReceives() {
    held.update { _ in }
  }
}
