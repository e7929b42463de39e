import Subprocess
import WorkerKit

/// What a program of mode `worker` does when it is started, and handed no event.
enum ProgramTrial: Sendable, Equatable {
  case ready(after: Duration)
  /// It runs, and need not say that it is ready.
  case stays
  /// - Parameters:
  ///   - reason: How it ended, or what it wrote that is no answer.
  ///   - said: The last line of its standard error.
  case ends(reason: String, said: String)

  /// How long a program has to end, or to say that it is ready.
  static let limit = Duration.seconds(5)

  private enum Event: Sendable {
    case ready, broken(String), outputEnded, timeOver, other
  }

  /// Starts a program, and ends it.
  init(of program: Program) async {
    let clock = ContinuousClock()
    let start = clock.now
    let said = AsyncValue("")
    do {
      let ((event, duration), status) = try await program.run { execution in
        await withTaskGroup(of: Event.self) { group in
          group.addTask { await Self.firstAnswer(in: execution.standardOutput) }
          group.addTask {
            await Self.read(execution.standardError) { line in said.update { $0 = line.text } }
            return .other
          }
          group.addTask {
            try? await clock.sleep(for: Self.limit)
            return .timeOver
          }
          var event = Event.other
          while case .other = event, let next = await group.next() { event = next }
          let duration = clock.now - start
          // One whose output has ended has most often ended itself, and says how.
          let wait: [TeardownStep] =
            if case .outputEnded = event {
              [.send(signal: Signal(rawValue: 0), allowedDurationToNextStep: .seconds(1))]
            } else {
              []
            }
          try? await execution.standardInputWriter.finish()
          await execution.teardown(using: wait + Program.teardown)
          group.cancelAll()
          return (event, duration)
        }
      }
      let line = TerminalText.line(said.value, limit: 200)
      self =
        switch event {
        case .ready: .ready(after: duration)
        case .timeOver: .stays
        case .broken(let reason): .ends(reason: "it wrote \(reason)", said: line)
        case .outputEnded, .other: .ends(reason: status.phrase, said: line)
        }
    } catch {
      self = .ends(reason: "it cannot be run: \(error)", said: "")
    }
  }

  private static func firstAnswer(in output: SubprocessOutputSequence) async -> Event {
    var splitter = LineSplitter()
    do {
      for try await buffer in output {
        guard let line = buffer.withUnsafeBytes({ splitter.add($0) }).first else { continue }
        do throws(ProcessAnswer.Broken) {
          if case .ready = try ProcessAnswer(line, retryAfterMax: .zero) { return .ready }
          return .broken("an answer, and was handed no event")
        } catch {
          return .broken(error.reason)
        }
      }
    } catch {
      return .outputEnded
    }
    return .outputEnded
  }

  private static func read(_ output: SubprocessOutputSequence, _ take: (LineSplitter.Line) -> Void) async {
    var splitter = LineSplitter()
    do {
      for try await buffer in output {
        for line in buffer.withUnsafeBytes({ splitter.add($0) }) where !line.bytes.isEmpty { take(line) }
      }
    } catch {
      return
    }
    if let line = splitter.finish() { take(line) }
  }
}
