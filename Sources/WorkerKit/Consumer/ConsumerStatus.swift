/// What a consumer is doing at one moment: for readiness, liveness and people.
public struct ConsumerStatus: Sendable, Hashable {
  /// What the loop does, or waits for.
  public enum Activity: Sendable, Hashable {
    /// It looks at its queue for the first time.
    case starting
    /// A receive is under way, or was just answered.
    case receiving
    /// All slots are taken.
    case waitingForSlots
    /// So much is being settled that nothing more is received: the queue answers slowly, or not at all.
    case waitingForSettlements
    /// Every plugin is down.
    case waitingForPlugins
    /// Receiving fails, and is tried again: why.
    case failing(String)
    /// It stops: what is in flight is finished.
    case draining
    /// It has ended.
    case stopped
  }

  /// The queue's name in its URL.
  public var queue: String
  /// What the loop does, or waits for.
  public var activity: Activity
  /// For how long, where that is known: since the oldest receive under way began, or the last one ended.
  public var duration: Duration
  /// Messages in flight, whatever they wait for: until their settlement has been answered.
  public var inFlight: Int
  /// Of them, those that take up a slot.
  public var busy: Int
  /// Of them, those that were received ahead, and wait for a slot.
  public var ahead: Int
  /// Of them, those that wait for their plugin, for a limit, or for one before them in their group, and take up no slot.
  public var parked: Int
  /// Of them, those that are being settled.
  public var settling: Int
  /// How many are handled at once.
  public var slots: Int
  /// The plugins that are down, and what each said.
  public var closedPlugins: [String: String]
  /// Whether a receive has ever succeeded.
  public var hasReceived: Bool
}

extension QueueConsumer {
  /// What the consumer is doing now: derived from what is under way and in flight, so that nothing that is written late can
  /// contradict it.
  public var status: ConsumerStatus {
    let progress = progress.snapshot()
    let counts = inFlight.counts
    let activity = activity(progress)
    let since =
      switch activity {
      case .starting, .draining, .stopped: progress.since
      case .failing: progress.failingSince
      case .receiving: progress.receivesSince ?? progress.lastReceive
      case .waitingForSlots, .waitingForSettlements, .waitingForPlugins: progress.lastReceive
      }
    return ConsumerStatus(
      queue: queue.name, activity: activity, duration: clock.now - (since ?? progress.since), inFlight: counts.all,
      busy: counts.handled, ahead: counts.ahead, parked: counts.parked, settling: counts.settling,
      slots: inFlight.capacity, closedPlugins: closedPlugins, hasReceived: progress.hasReceived)
  }

  private func activity(_ progress: ConsumerProgress.Snapshot) -> ConsumerStatus.Activity {
    switch progress.phase {
    case .starting: .starting
    case .draining: .draining
    case .stopped: .stopped
    case .running:
      if let failure = progress.failure {
        .failing(failure)
      } else if progress.receivesSince != nil {
        .receiving
      } else if !isTakingIn {
        .waitingForPlugins
      } else if inFlight.waitsForSettlements {
        .waitingForSettlements
      } else if !inFlight.hasRoom {
        .waitingForSlots
      } else {
        .receiving
      }
    }
  }

  private var closedPlugins: [String: String] {
    table.breakers.reduce(into: [:]) { plugins, breaker in
      if let problem = breaker.problem { plugins[breaker.pluginName] = problem }
    }
  }

  /// The longest that a call and its retries take; they end by themselves well within a minute.
  private static let callLimit = Duration.seconds(120)
  /// How long the loop may take to answer. It does nothing but wait.
  private static let answerLimit = Duration.seconds(10)

  /// Asks whether the consumer's own work goes on, whatever its handlers do and its queue answers.
  ///
  /// - Returns: what hangs; nil where nothing does. It takes ten seconds at most.
  package func findHang() async -> String? {
    let progress = progress.snapshot()
    switch progress.phase {
    case .stopped: return nil
    case .starting where clock.now - progress.since > Self.callLimit:
      return "its first check of the queue has taken \(Int((clock.now - progress.since).inSeconds)) s"
    case .starting, .draining: return nil
    case .running: break
    }
    if let since = progress.receivesSince, clock.now - since > configuration.waitTime + Self.callLimit {
      return "a receive has been under way for \(Int((clock.now - since).inSeconds)) s"
    }
    let limit = Self.answerLimit
    let isAnswered = await clock.isMet(within: limit) { try await self.inFlight.untilLoopAnswers() }
    return isAnswered ? nil : "its loop has not answered within \(Int(limit.inSeconds)) s"
  }
}
