import ArgumentParser
import Foundation
import Logging
import UnixSignals
import WorkerKit

/// A queue and its dead-letter queue, as a command works on them.
struct DeadLetterSession: Sendable {
  let queue: any MessageQueue
  let letters: any MessageQueue
  /// Of the dead-letter queue, before it was looked at.
  let attributes: QueueAttributes
  let telemetry: Telemetry

  init<Application: WorkerApplication>(
    _ options: DeadLetterQueueOptions, for application: Application.Type
  ) async throws {
    LoggingSystem.bootstrap { label in StreamLogHandler.standardError(label: label) }
    let file = try exitingOnProblems { try options.routesOptions.load(for: application) }
    let configuration = try file.queue(named: options.queue, routes: options.routesOptions.routes)
    let logger = Logger(label: "worker")
    let client = CurlClient()
    telemetry = try Telemetry.bootstrap(client: client, logger: logger)
    let queue = try SQSQueue(
      url: configuration.url, region: configuration.region, client: client, tracing: file.tracing, logger: logger)
    do {
      guard let letters = try await queue.deadLetterQueue() else {
        throw CommandError(
          """
          the queue \(queue.name) has no dead-letter queue, so there are no dead letters: what cannot be handled stays \
          on it. Give it a redrive policy with a deadLetterTargetArn
          """)
      }
      self.queue = queue
      self.letters = letters
      attributes = try await letters.attributes()
    } catch let error as QueueError {
      throw CommandError("the dead-letter queue of \(queue.name) cannot be looked at: \(error)")
    }
    if let policy = attributes.redrivePolicy {
      let target = policy.deadLetterTargetArn.split(separator: ":").last ?? ""
      let danger = """
        \(letters.name) has a redrive policy of its own: a letter that was received \(policy.maxReceiveCount) times, \
        looking included, moves on to \(target)
        """
      guard options.despiteRedrivePolicy else {
        throw CommandError(
          "\(danger). Nothing was looked at. Take that policy away, or accept it with --despite-redrive-policy")
      }
      note("\(danger).")
    }
  }

  /// Reads letters; what takes long is told on standard error.
  func read(
    _ filter: DeadLetterFilter, limit: Int? = nil, _ visit: ([DeadLetter]) async throws -> Set<String>
  ) async -> DeadLetterReader.Visit {
    var toldAt = ContinuousClock.now
    return await DeadLetterReader(letters, filter: filter, limit: limit).read(
      onProgress: { count in
        guard ContinuousClock.now - toldAt >= .seconds(3) else { return }
        toldAt = .now
        note("… \(count) of about \(max(count, attributes.visibleMessages)) letters")
      }, visit)
  }

  /// Whether every letter that nobody else has in hand was looked at, as far as SQS's approximate counts know.
  func isComplete(_ visit: DeadLetterReader.Visit) -> Bool {
    guard case .everything = visit.end else { return false }
    return !letters.isFIFO || visit.lookedAt >= attributes.visibleMessages
  }

  /// Says on standard error what a reader of the result must know, and throws what the command ends with.
  func conclude(_ visit: DeadLetterReader.Visit) throws {
    if visit.notGivenBack > 0 {
      note(
        """
        \(counted(visit.notGivenBack, "letter")) could not be given back, and will be visible again within \
        \(DeadLetterReader.holdTime.inWholeSeconds / 60) minutes.
        """)
    }
    switch visit.end {
    case .everything where !isComplete(visit):
      note(
        """
        A FIFO queue keeps the rest of a group back while letters of it are in hand: \(counted(visit.lookedAt, "letter")) \
        of about \(attributes.visibleMessages) could be looked at.
        """)
    case .everything, .found, .cancelled: return
    case .tookTooLong:
      note(
        """
        Letters can be held for \(DeadLetterReader.holdTime.inWholeSeconds / 60) minutes, and this took longer, so not \
        all were looked at. Run it again, with a narrower filter or a --limit.
        """)
      throw ExitCode(EX_TEMPFAIL)
    case .tooManyHeld:
      note(
        "SQS lets no more letters be held at once, so not all were looked at. Redrive or discard some, and run it again."
      )
      throw ExitCode(EX_TEMPFAIL)
    case .failed(let error):
      throw CommandError("\(letters.name): after \(counted(visit.lookedAt, "letter")): \(error)")
    }
  }

  /// Where letters were asked for by id, and one of them is not among those that could be seen.
  func requireAll(_ ids: Set<String>, found: Set<String>, _ visit: DeadLetterReader.Visit) throws {
    guard let missing = ids.subtracting(found).sorted().first, case .everything = visit.end else { return }
    let hidden = attributes.messagesInFlight > 0 ? "; \(attributes.messagesInFlight) more are in someone's hands" : ""
    throw CommandError(
      "\(letters.name) has no letter \(missing) among the \(visit.lookedAt) that could be seen\(hidden)")
  }
}

/// Runs what holds letters. The first signal cancels it, so that it can give them back; a second exits at once.
func endingOnSignal<Success: Sendable>(_ body: @escaping @Sendable () async throws -> Success) async throws -> Success {
  // Whoever reads the output may go away, and what is held must be given back all the same.
  _ = signal(SIGPIPE, SIG_IGN)
  let work = Task { try await body() }
  let signalled = Watched<UnixSignal?>(nil)
  let listener = Task {
    var signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup).makeAsyncIterator()
    guard let first = await signals.next() else { return }
    signalled.update { $0 = first }
    note("Stopping, and giving back what is in hand; a second signal exits at once.")
    work.cancel()
    guard let second = await signals.next() else { return }
    Foundation.exit(exitCode(after: second))
  }
  let result = await work.result
  listener.cancel()
  guard let number = signalled.value else { return try result.get() }
  if case .failure(let error) = result, !(error is CancellationError) { note("Error: \(error)") }
  throw ExitCode(exitCode(after: number))
}

/// As shells have it.
private func exitCode(after signal: UnixSignal) -> Int32 { 128 + signal.rawValue }

func counted(_ count: Int, _ noun: String) -> String {
  "\(count) \(noun)\(count == 1 ? "" : "s")"
}
