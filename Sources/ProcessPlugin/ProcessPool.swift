import Logging
import Subprocess
import WorkerKit

/// Mode `worker`: processes that stay, and are handed one event after another.
///
/// A process starts when an event needs it: where all others have as many in flight as they may, and there are fewer than
/// `processes`. One that ends, hangs or breaks the protocol is replaced so.
final class ProcessPool: EventRunner {
  private let program: Program
  private let options: ProcessOptions
  private let host: ProcessHost
  private let clock = ContinuousClock()
  private let state: AsyncValue<PoolState>
  private let logger = Logger(label: "worker.process")

  init(program: Program, options: ProcessOptions, host: ProcessHost) {
    self.program = program
    self.options = options
    self.host = host
    state = AsyncValue(PoolState(processes: options.processes, concurrency: options.concurrency))
  }

  // MARK: Events

  func handle(_ event: RawEvent, _ context: HandlerContext) async throws {
    while true {
      let reservation = try await context.withoutTimeout { try await self.reserve() }
      let request = ProcessRequest(id: "\(context.messageID)-\(reservation.number)", context)
      let line: [UInt8]
      do {
        line = try request.line(body: event.body)
      } catch {
        change { state, now in state.release(reservation, at: now) }
        throw error
      }
      if try await hand(line, request.id, to: reservation, context.logger) { return }
    }
  }

  /// Waits for a process that has room for an event.
  private func reserve() async throws -> PoolState.Reservation {
    let id = state.update { $0.nextID() }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        change { state, now in
          // Seen here, or else by the handler below, which comes for this lock after us.
          guard !Task.isCancelled else {
            return state.effects.append { continuation.resume(throwing: CancellationError()) }
          }
          state.wait(PoolState.Waiter(id: id, continuation: continuation), at: now)
        }
      }
    } onCancel: {
      change { state, _ in state.stopWaiting(id) }
    }
  }

  /// Hands an event to a process, and waits for the answer.
  ///
  /// - Returns: false where the process has ended before, and has not seen it.
  /// - Throws: why it was not handled.
  private func hand(_ line: [UInt8], _ id: String, to reservation: PoolState.Reservation, _ logger: Logger) async throws
    -> Bool
  {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        change { state, now in
          let event = PoolState.Event(logger: logger, continuation: continuation)
          state.hand(event, line, id, to: reservation, isCancelled: Task.isCancelled, at: now)
        }
      }
    } onCancel: {
      change { state, _ in state.abandon(id, on: reservation.process) }
    }
  }

  // MARK: Health

  /// How long a process has to end, or to say that it is ready, before it counts as one that runs.
  private static let startLimit = Duration.seconds(5)

  /// Starts a process where the last ones have ended before they were ready, and sees whether it stays.
  ///
  /// - Throws: how it ended.
  func checkHealth() async throws {
    guard let process = change({ state, _ in state.startAnew() }) else { return }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { [state] in try await state.wait { !$0.isStarting(process) } }
      group.addTask { [clock] in try await clock.sleep(for: Self.startLimit) }
      try await group.next()
      group.cancelAll()
    }
    if let problem = change({ state, _ in state.judge(process) }) {
      throw EventError(.unavailable, "\(program.name) keeps ending before it is ready: \(problem)")
    }
  }

  // MARK: Processes

  /// Changes the state, and then does what follows from that.
  @discardableResult
  private func change<Result: Sendable>(
    _ body: @Sendable (inout PoolState, ContinuousClock.Instant) -> Result
  ) -> Result {
    let now = clock.now
    let (result, effects, starts) = state.update { state in
      let result = body(&state, now)
      defer {
        state.effects = []
        state.starts = []
      }
      return (result, state.effects, state.starts)
    }
    for effect in effects { effect() }
    for start in starts { host.start { await self.run(start) } }
    return result
  }

  private func run(_ process: PooledProcess) async {
    let end: (reason: String?, isMeant: Bool)
    do {
      let (reason, status) = try await program.run { await converse(with: process, $0) }
      let phrase = status.phrase
      end = (reason.phrase.map { "\($0), and \(phrase)" } ?? phrase, reason == .stopped || Task.isCancelled)
    } catch {
      end = ("it cannot be run: \(error)", Task.isCancelled)
    }
    let reason = end.reason ?? ""
    let lost = change { state, now in
      state.ended(process.number, reason, isMeant: end.isMeant, program: self.program.name, at: now)
    }
    guard !end.isMeant else { return }
    logger.warning(
      "a process has ended; the next event that needs one starts another",
      metadata: ["program": "\(program.name)", "reason": "\(reason)", "eventsInHand": "\(lost)"])
  }

  /// Speaks with a process until it is over with it, and ends it.
  private func converse(with process: PooledProcess, _ execution: Program.Process) async -> PooledProcess.End {
    let log = ProcessLog(program: program.name, pid: execution.processIdentifier.value) { [state, logger] in
      state.read { $0.logger(of: process.number) } ?? logger
    }
    return await withTaskGroup(of: PooledProcess.End?.self) { group in
      group.addTask { await Self.write(process.requests, to: execution.standardInputWriter) }
      group.addTask { await self.read(execution.standardOutput, of: process) }
      group.addTask {
        await log.write(execution.standardError, from: .standardError)
        return nil
      }
      group.addTask {
        for await end in process.stops { return end }
        return .stopped
      }
      var end: PooledProcess.End?
      while end == nil, let next = await group.next() { end = next }
      // It is handed nothing more, and what it still answers counts.
      change { state, _ in state.retire(process.number) }
      // One whose output has ended has most often ended itself, and says how.
      let wait =
        end == .outputEnded
        ? [TeardownStep.send(signal: Signal(rawValue: 0), allowedDurationToNextStep: .seconds(1))] : []
      await execution.teardown(using: wait + Program.teardown)
      for await _ in group {}
      return end ?? .stopped
    }
  }

  private static func write(_ requests: AsyncStream<[UInt8]>, to input: StandardInputWriter) async -> PooledProcess.End?
  {
    for await line in requests {
      guard let count = try? await input.write(line), count == line.count else { return .inputClosed }
    }
    try? await input.finish()
    return nil
  }

  private func read(_ output: SubprocessOutputSequence, of process: PooledProcess) async -> PooledProcess.End {
    var splitter = LineSplitter()
    do {
      for try await buffer in output {
        for line in buffer.withUnsafeBytes({ splitter.add($0) }) {
          do throws(ProcessAnswer.Broken) {
            let answer = try ProcessAnswer(line, retryAfterMax: options.retryAfterMax)
            guard change({ state, now in state.take(answer, from: process.number, at: now) }) else {
              throw ProcessAnswer.Broken(reason: "an answer whose `id` is of no event that it has in flight")
            }
          } catch {
            return .broken(error.reason)
          }
        }
      }
    } catch {
      return .outputEnded
    }
    return .outputEnded
  }
}
