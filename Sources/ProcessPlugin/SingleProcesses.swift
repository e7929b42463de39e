import Foundation
import Logging
import Subprocess
import WorkerKit

/// Mode `once`: a process for each event, with the event's body on its standard input and the rest in its environment.
final class SingleProcesses: EventRunner {
  private let program: Program
  private let host: ProcessHost
  private let semaphore: AsyncSemaphore

  /// - Parameter limit: How many processes run at once.
  init(program: Program, limit: Int, host: ProcessHost) {
    self.program = program
    self.host = host
    semaphore = AsyncSemaphore(limit)
  }

  func handle(_ event: RawEvent, _ context: HandlerContext) async throws {
    try await context.withoutTimeout { [semaphore] in try await semaphore.wait() }
    let request = ProcessRequest(id: context.messageID, context)
    let run = SingleRun(
      program: program, variables: request.variables, body: event.body, logger: context.logger)
    host.start { [semaphore] in
      await run.run()
      semaphore.signal()
    }
    try await withTaskCancellationHandler {
      try await run.untilEnd()
    } onCancel: {
      run.stop()
    }
  }
}

/// One process, for one event.
private final class SingleRun: Sendable {
  private enum State: Sendable {
    case underWay, isToldToStop
    case ended(EventError?)

    var isUnderWay: Bool {
      if case .underWay = self { true } else { false }
    }
    var hasEnded: Bool {
      if case .ended = self { true } else { false }
    }
  }

  private let program: Program
  /// What it is given beside the program's environment.
  private let variables: [String: String]
  private let body: [UInt8]
  private let logger: Logger
  private let state = AsyncValue(State.underWay)

  init(program: Program, variables: [String: String], body: [UInt8], logger: Logger) {
    self.program = program
    self.variables = variables
    self.body = body
    self.logger = logger
  }

  /// - Throws: why the event was not handled; `CancellationError` as soon as the task is cancelled.
  func untilEnd() async throws {
    try await state.wait { $0.hasEnded }
    if case .ended(let failure?) = state.value { throw failure }
  }

  /// Ends the process, if there is one.
  func stop() {
    state.update { if $0.isUnderWay { $0 = .isToldToStop } }
  }

  func run() async {
    let failure = await withTaskGroup(of: EventError??.self) { group in
      group.addTask { .some(await self.runProcess()) }
      group.addTask { [state] in
        try? await state.wait { !$0.isUnderWay }
        return nil
      }
      // Where it is told to stop, the cancellation ends the process, and the wait is for that.
      while let result = await group.next() {
        group.cancelAll()
        if let result { return result }
      }
      return nil
    }
    state.update { $0 = .ended(failure) }
  }

  private func runProcess() async -> EventError? {
    guard state.read({ $0.isUnderWay }) else { return nil }
    do {
      let (_, status) = try await program.run(adding: variables) { [body, logger, program] execution in
        let log = ProcessLog(program: program.name, pid: execution.processIdentifier.value) { logger }
        await withDiscardingTaskGroup { group in
          group.addTask { await log.write(execution.standardOutput, from: .standardOutput) }
          group.addTask { await log.write(execution.standardError, from: .standardError) }
          // A program need not read it all.
          _ = try? await execution.standardInputWriter.write(body)
          try? await execution.standardInputWriter.finish()
        }
      }
      return status.failure(of: program.name)
    } catch {
      return EventError(.unavailable, "\(program.name) cannot be run", cause: error)
    }
  }
}
