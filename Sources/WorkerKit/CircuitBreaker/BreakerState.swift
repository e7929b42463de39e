/// The state of a ``CircuitBreaker``, and its decisions. It has no side effects, except that it stores continuations.
struct BreakerState: Sendable {
  /// An event that waits until it may be handled.
  struct Waiting: Sendable {
    let hasFailed: Bool
    let continuation: CheckedContinuation<CircuitBreaker.Permit, any Error>
  }

  enum News: Sendable {
    case opened(problem: String, failure: String)
    case openedForGood(problem: String)
    case stillOpen(problem: String)
    case closed
  }

  /// The next action of the loop that watches the circuit breaker.
  enum Step: Sendable, Equatable {
    case check
    /// Wait until the state changes, or until a time.
    case wait(until: Duration?)
  }

  let hasCheck: Bool
  /// Why the circuit breaker is open; nil while it is closed.
  private(set) var problem: String?
  private var isOpenByCheck = false
  /// Only a restart closes it.
  private var isOpenForGood = false
  /// The number of consecutive errors with a ``DependencyRefusal``.
  private var refusals = 0
  /// When the next health check or probe is due.
  private var nextTry = Duration.zero
  /// Until when the dependency asked clients to wait.
  private var quietUntil = Duration.zero
  private var tries = 0
  private var probe: Probe = .none
  /// Whether the probe has not failed before.
  private var isProbeFresh = false
  /// A probe is due, and no event waits that has not failed yet.
  var wantsProbe = false

  private var streak: FailureStreak?
  private var streaks = 0
  private var outages = 0
  /// The messages that opened the circuit breaker, or failed while it was open.
  private var failedMessageIDs: Set<String> = []
  /// The messages that failed in the last outage, which ended with another message: each may be the cause of its failures.
  /// A message is no longer one when it fails alone once more: an outage may have begun anew.
  private var suspects: Set<String> = []
  /// When the next health check is due while the breaker is in doubt.
  private var nextCheck: Duration?
  private var lastCheck: Duration?
  private var isChecking = false

  /// The waiting events by number. Earlier arrivals have lower numbers.
  var waiting: [Int: Waiting] = [:]
  var undecided: [Int: CheckedContinuation<CircuitBreaker.Verdict, any Error>] = [:]
  var lastID = 0
  /// To be called outside the lock.
  var resumptions: [@Sendable () -> Void] = []
  var news: [News] = []
  /// The number of changes that watchers have to process.
  private(set) var changes = 0

  private enum Probe: Sendable {
    case none, due, underWay
  }

  init(hasCheck: Bool) {
    self.hasCheck = hasCheck
  }

  /// For an event that starts now.
  var permit: CircuitBreaker.Permit { .ordinary(streak: streak?.number ?? 0, outages: outages) }
  var isUntroubled: Bool { problem == nil && streak == nil && refusals == 0 }

  // MARK: Events

  mutating func record(_ outcome: CircuitBreaker.Outcome, of permit: CircuitBreaker.Permit, at now: Duration)
    -> CircuitBreaker.Verdict
  {
    defer { changes += 1 }
    if permit == .probe { probe = .none }
    switch outcome {
    case .handled:
      refusals = 0
      if isOpenForGood { return .settle }
      if permit == .probe {
        close(suspects: isProbeFresh ? failedMessageIDs : [])
      } else if problem == nil, streak != nil, permit == self.permit {
        // The health check decides first: an outage may have started meanwhile.
        if isChecking || nextCheck != nil { self.streak?.isContradicted = true } else { endDoubt() }
      }
      return .settle
    case .failed(let failure, let messageID):
      quietUntil = max(quietUntil, now + (failure.retryAfter ?? .zero))
      if failure.kind.isAnswer { refusals = 0 }
      if permit == .probe, !isOpenForGood {
        tries += 1
        rest(at: now)
        problem = Self.problem("\(failure)")
        news.append(.stillOpen(problem: problem ?? ""))
      }
      if problem != nil {
        if failedMessageIDs.count < FailureStreak.messageLimit { failedMessageIDs.insert(messageID) }
        return .again
      }
      // Its failure is the outage's that has ended meanwhile.
      if case .ordinary(_, let outages) = permit, outages < self.outages { return .again }
      add(failure, messageID, at: now)
      return .undecided
    case .refused(let failure):
      refusals = failure.refusal == .gone ? CircuitBreaker.refusalLimit : refusals + 1
      if !isOpenForGood, refusals >= CircuitBreaker.refusalLimit { openForGood(failure) }
      if isOpenForGood { return .again }
      if permit == .probe { nextTry = now }
      return .settle
    case .eventFailed, .other:
      if case .eventFailed = outcome { refusals = 0 }
      // The outcome reveals nothing about the dependency, so another probe may start.
      if permit == .probe { nextTry = now }
      return .settle
    }
  }

  mutating func cancel(_ id: Int) {
    changes += 1
    if let continuation = waiting.removeValue(forKey: id)?.continuation {
      resumptions.append { continuation.resume(throwing: CancellationError()) }
    } else if let continuation = undecided.removeValue(forKey: id) {
      resumptions.append { continuation.resume(throwing: CancellationError()) }
    }
  }

  /// Resumes waiting events if the state permits it. Called after an event has started to wait.
  mutating func settleWaiting() {
    changes += 1
    if problem == nil { permitAll() } else { decide(.again) }
    if problem == nil, streak == nil { decide(.settle) }
  }

  private mutating func add(_ failure: HandlingFailure, _ messageID: String, at now: Duration) {
    if streak == nil {
      streaks += 1
      streak = FailureStreak(number: streaks, start: now)
    }
    streak?.add(failure, messageID)
    if hasCheck, nextCheck == nil {
      nextCheck = lastCheck.map { max(now, $0 + CircuitBreaker.checkInterval) } ?? now
    }
  }

  // MARK: Time

  mutating func nextStep(at now: Duration) -> Step {
    if problem != nil { return nextStepWhileOpen(at: now) }
    guard let streak else { return .wait(until: nil) }
    if isChecking { return .wait(until: nil) }
    if let nextCheck, nextCheck <= now { return beginCheck() }
    let end = streak.start + CircuitBreaker.patience
    if end <= now {
      if streak.isOutage(hasCheck: hasCheck, suspects: suspects) {
        open(Self.problem(streak.lastFailure), streak.lastFailure, byCheck: false, at: now)
        return nextStepWhileOpen(at: now)
      }
      endDoubt()
      return .wait(until: nil)
    }
    return .wait(until: min(end, nextCheck ?? end))
  }

  private mutating func nextStepWhileOpen(at now: Duration) -> Step {
    guard !isOpenForGood else { return .wait(until: nil) }
    let nextTry = max(nextTry, quietUntil)
    guard nextTry <= now else { return .wait(until: nextTry) }
    guard !isChecking, probe != .underWay else { return .wait(until: nil) }
    if hasCheck, probe == .none { return beginCheck() }
    probe = .due
    sendProbe()
    return .wait(until: nil)
  }

  private mutating func beginCheck() -> Step {
    isChecking = true
    nextCheck = nil
    return .check
  }

  /// Records the result of a health check.
  ///
  /// - Parameter result: The problem, or an inner nil if the plugin is healthy; nil if the check was cancelled.
  mutating func endCheck(_ result: String??, at now: Duration) {
    isChecking = false
    changes += 1
    guard !isOpenForGood else { return }
    guard let result else {
      if hasCheck, streak != nil { nextCheck = now }
      return
    }
    lastCheck = now
    if let found = result {
      guard problem != nil else { return open(found, streak?.lastFailure ?? found, byCheck: true, at: now) }
      problem = found
      wantsProbe = false
      tries += 1
      rest(at: now)
      news.append(.stillOpen(problem: found))
    } else if problem != nil {
      if isOpenByCheck {
        close()
      } else {
        probe = .due
        sendProbe()
      }
    } else if streak?.isContradicted == true {
      endDoubt()
    }
  }

  // MARK: Transitions

  private static func problem(_ failure: String) -> String {
    "its events fail, and none has been handled since: \(failure)"
  }

  private mutating func open(_ found: String, _ failure: String, byCheck: Bool, at now: Duration) {
    outages += 1
    problem = found
    isOpenByCheck = byCheck
    failedMessageIDs = streak?.messageIDs ?? []
    suspects = []
    streak = nil
    nextCheck = nil
    tries = 0
    probe = .none
    rest(at: now)
    news.append(.opened(problem: found, failure: failure))
    decide(.again)
  }

  private mutating func openForGood(_ failure: HandlingFailure) {
    isOpenForGood = true
    problem = "\(failure.message); its events wait until the worker is restarted"
    streak = nil
    nextCheck = nil
    wantsProbe = false
    news.append(.openedForGood(problem: problem ?? ""))
    decide(.again)
  }

  private mutating func close(suspects: Set<String> = []) {
    problem = nil
    self.suspects = suspects
    failedMessageIDs = []
    probe = .none
    wantsProbe = false
    streak = nil
    quietUntil = .zero
    news.append(.closed)
    permitAll()
  }

  private mutating func rest(at now: Duration) {
    nextTry = now + CircuitBreaker.backoff.delay(afterAttempt: tries + 1, random: 0)
  }

  /// Starts a probe with the first event that has not failed yet or, if there is none, with the event that has waited
  /// longest. In the latter case, further events are wanted as probes.
  private mutating func sendProbe() {
    let fresh = waiting.lazy.filter { !$0.value.hasFailed }.map(\.key).min()
    wantsProbe = fresh == nil
    isProbeFresh = fresh != nil
    guard let next = fresh ?? waiting.keys.min(), let continuation = waiting.removeValue(forKey: next)?.continuation
    else { return }
    probe = .underWay
    resumptions.append { continuation.resume(returning: .probe) }
  }

  private mutating func endDoubt() {
    if let streak { suspects.subtract(streak.messageIDs) }
    streak = nil
    nextCheck = nil
    quietUntil = .zero
    decide(.settle)
  }

  private mutating func decide(_ verdict: CircuitBreaker.Verdict) {
    for continuation in undecided.values { resumptions.append { continuation.resume(returning: verdict) } }
    undecided = [:]
  }

  private mutating func permitAll() {
    let permit = CircuitBreaker.Permit.ordinary(streak: 0, outages: outages)
    for (_, entry) in waiting.sorted(by: { $0.key < $1.key }) {
      resumptions.append { entry.continuation.resume(returning: permit) }
    }
    waiting = [:]
  }
}
