import ArgumentParser
import Foundation
import Logging
import UnixSignals
import WorkerHTTP
import WorkerKit
import WorkerSQS
import WorkerTelemetry

/// A queue and its dead-letter queue, for the commands that work on them.
struct DeadLetterSession: Sendable {
  let queue: any MessageQueue
  let deadLetters: any MessageQueue
  /// The attributes of the dead-letter queue before it was read.
  let attributes: QueueAttributes
  let telemetry: Telemetry
  /// The event types in routes.yaml and the error kinds of its plugins: valid filter values, even if no dead letter
  /// matches.
  let eventTypes: [String]
  let kinds: [String]
  private let file: RoutesFile
  /// The end date, by the queue's clock with its resolution of a second. Later dead letters are skipped.
  private let end: Date

  init<Application: WorkerApplication>(
    _ options: DeadLetterQueueOptions, for application: Application.Type
  ) async throws {
    let logger = makeCommandLogger()
    let file = try options.routesOptions.load(for: application)
    self.file = file
    eventTypes = file.routes.map(\.eventType)
    kinds = (ErrorKind.standard + application.plugins.flatMap { $0.errorKinds }).map(\.rawValue)
    let configuration = try file.queue(named: options.queue, routes: options.routesOptions.routes)
    if let warning = file.devWarning(about: configuration, options.routesOptions, for: application) {
      printStatus(warning)
    }
    let client = CurlClient()
    telemetry = try Telemetry.bootstrap(client: client, logger: logger)
    let queue = try SQSQueue(
      url: configuration.url, region: configuration.region, client: client, tracing: file.tracing, logger: logger)
    do {
      guard let deadLetters = try await queue.deadLetterQueue() else {
        throw CommandError(
          """
          the queue \(queue.name) has no dead-letter queue, so there are no dead letters: what cannot be handled stays \
          on it. Give it a redrive policy with a deadLetterTargetArn
          """)
      }
      self.queue = queue
      self.deadLetters = deadLetters
      attributes = try await deadLetters.attributes()
      end = (attributes.answeredAt ?? Date()).addingTimeInterval(2)
    } catch let error as QueueError {
      throw CommandError("the dead-letter queue of \(queue.name) cannot be read: \(error)")
    }
    if let policy = attributes.redrivePolicy {
      let target = policy.deadLetterTargetArn.split(separator: ":").last ?? ""
      let danger = """
        \(deadLetters.name) has a redrive policy of its own: a dead letter that was received \(policy.maxReceiveCount) times, \
        by this command included, moves on to \(target)
        """
      guard options.despiteRedrivePolicy else {
        throw CommandError(
          "\(danger). Nothing was read. Remove that policy, or accept it with --despite-redrive-policy")
      }
      printStatus("\(danger).")
    }
  }

  /// Reads dead letters, and reports progress on standard error if it takes long.
  func read(
    _ filter: DeadLetterFilter, limit: Int? = nil, onLater: ([DeadLetter]) -> Void = { _ in },
    _ visit: ([DeadLetter]) async throws -> Set<String>
  ) async -> DeadLetterReader.Visit {
    var filter = filter
    filter.queue = queue.name
    var toldAt = ContinuousClock.now
    return await DeadLetterReader(deadLetters, filter: filter, limit: limit, until: end).read(
      onProgress: { count in
        guard ContinuousClock.now - toldAt >= .seconds(3) else { return }
        toldAt = .now
        printStatus("… \(count) of about \(max(count, attributes.visibleMessages)) dead letters")
      }, onLater: onLater, visit)
  }

  /// Why a redriven event will fail again; nil if its handler decides.
  func prospect(of deadLetter: DeadLetter) -> String? {
    file.refusal(of: deadLetter.message.body).map { ($0 as? EventError)?.message ?? "\($0)" }
  }

  /// Whether every dead letter that is not in flight elsewhere was read, by SQS's approximate counts.
  func isComplete(_ visit: DeadLetterReader.Visit) -> Bool {
    guard case .everything = visit.end else { return false }
    return !deadLetters.isFIFO || visit.received >= attributes.visibleMessages
  }

  /// Replaces the prefixes in a filter by complete ids.
  ///
  /// - Throws: If a prefix matches no id or several ids.
  func resolved(_ filter: DeadLetterFilter) async throws -> DeadLetterFilter {
    let beginnings = filter.ids.filter { UUID(uuidString: $0) == nil }
    guard !beginnings.isEmpty else { return filter }
    var found: [String: DeadLetterIDs] = [:]
    let visit = await read(DeadLetterFilter()) { deadLetters in
      for deadLetter in deadLetters {
        for beginning in beginnings { found[beginning, default: DeadLetterIDs(beginning)].add(deadLetter) }
      }
      return []
    }
    try conclude(visit)
    try Task.checkCancellation()
    var resolved = filter
    for beginning in beginnings.sorted() {
      guard let id = try found[beginning]?.only(in: deadLetters.name) else {
        guard beginning.count >= DeadLetterIDs.shortestBeginning else {
          throw CommandError(
            "no dead letter in \(deadLetters.name) has the ID \(beginning); pass four characters or more of its ID"
          )
        }
        try requireAll([beginning], found: [], visit)
        continue
      }
      resolved.ids.remove(beginning)
      resolved.ids.insert(id)
    }
    return resolved
  }

  /// Reports on standard error what restricts the result.
  ///
  /// - Throws: The error that the command ends with.
  func conclude(_ visit: DeadLetterReader.Visit) throws {
    if visit.ofOtherQueues > 0 {
      printStatus(
        """
        \(counted(visit.ofOtherQueues, "dead letter")) of other queues in \(deadLetters.name) \
        \(visit.ofOtherQueues == 1 ? "was" : "were") skipped: \(visit.otherQueues.sorted().joined(separator: ", ")). \
        To choose a queue, pass --queue.
        """)
    }
    if visit.later > 0 {
      printStatus(
        "\(counted(visit.later, "dead letter")) arrived in \(deadLetters.name) after this command began, and stayed there."
      )
    }
    if visit.notGivenBack > 0 {
      printStatus(
        """
        \(counted(visit.notGivenBack, "dead letter")) could not be made visible again now, and will be visible within \
        \(DeadLetterReader.holdTime.inWholeSeconds / 60) minutes.
        """)
    }
    switch visit.end {
    case .everything where !isComplete(visit):
      printStatus(
        """
        A FIFO queue holds back the rest of a group while messages of it are in flight: \
        \(counted(visit.received, "dead letter")) of about \(attributes.visibleMessages) could be read.
        """)
    case .everything, .found, .cancelled: return
    case .tookTooLong:
      printStatus(
        """
        Dead letters can be held for \(DeadLetterReader.holdTime.inWholeSeconds / 60) minutes, and this took longer, so \
        not all were read. Run it again, with a narrower filter or a --limit.
        """)
      throw ExitCode(EX_TEMPFAIL)
    case .tooManyHeld:
      printStatus(
        "SQS allows no more messages in flight, so not all dead letters were read. Redrive or discard some, then run it again."
      )
      throw ExitCode(EX_TEMPFAIL)
    case .failed(let error as OutputError): throw error
    case .failed(let error):
      throw CommandError("\(deadLetters.name): after \(counted(visit.received, "dead letter")): \(error)")
    }
  }

  /// Throws if the filter contains an unknown kind or event type, because an empty result could hide a typo.
  func requireKnown(_ filter: DeadLetterFilter, _ visit: DeadLetterReader.Visit) throws {
    guard case .everything = visit.end else { return }
    let asked = [
      ("kind", filter.kinds, kinds + visit.kinds), ("eventType", filter.routes, eventTypes + visit.routes),
    ]
    for (what, names, known) in asked {
      guard let name = names.sorted().first(where: { $0 != DeadLetterFilter.none && !known.contains($0) }) else {
        continue
      }
      let hint = nearestName(to: name, among: known).map { "; did you mean \($0)?" } ?? ""
      throw CommandError("no dead letter in \(deadLetters.name) has the \(what) \(name), and none is known\(hint)")
    }
  }

  /// Throws if a requested id was not found among the dead letters that could be read.
  func requireAll(_ ids: Set<String>, found: Set<String>, _ visit: DeadLetterReader.Visit) throws {
    guard let missing = ids.subtracting(found).sorted().first, case .everything = visit.end else { return }
    let hidden = attributes.messagesInFlight > 0 ? "; \(attributes.messagesInFlight) more are in flight" : ""
    throw CommandError(
      "\(deadLetters.name) has no dead letter \(missing) among the \(visit.received) that could be seen\(hidden)")
  }
}

/// Runs an operation that holds dead letters. The first signal cancels it, so that it makes them visible again; a
/// second signal exits at once.
func endingOnSignal<Success: Sendable>(_ body: @escaping @Sendable () async throws -> Success) async throws -> Success {
  // The reader of the output may close the pipe, but the dead letters must still be made visible again.
  _ = signal(SIGPIPE, SIG_IGN)
  // Before the first dead letter is held.
  let trapped = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
  let work = Task { try await body() }
  let signalled = AsyncValue<UnixSignal?>(nil)
  let listener = Task {
    var signals = trapped.makeAsyncIterator()
    guard let first = await signals.next() else { return }
    signalled.update { $0 = first }
    work.cancel()
    // In a task of its own, because standard error may have no reader.
    Task { printStatus("Stopping; messages are made visible again. A second signal exits at once.") }
    guard let second = await signals.next() else { return }
    Foundation.exit(exitCode(after: second))
  }
  let result = await work.result
  listener.cancel()
  guard let number = signalled.value else { return try result.get() }
  if case .failure(let error) = result, !(error is CancellationError) { printStatus("Error: \(error)") }
  throw ExitCode(exitCode(after: number))
}

/// The exit code after a signal, as in shells.
private func exitCode(after signal: UnixSignal) -> Int32 { 128 + signal.rawValue }

func counted(_ count: Int, _ noun: String) -> String {
  "\(count) \(noun)\(count == 1 ? "" : "s")"
}
