import Foundation
import Logging
import WorkerKit

/// Prints the outcome of each event, and the state of the plugins.
final class DevReport: EventMiddleware {
  private struct State {
    /// The titles of the sent events, by message id.
    var titles: [String: String] = [:]
    var told: Set<String> = []
  }

  /// Of what handlers log; nil where the command line says it.
  private let handlerLevel: Logger.Level?
  private let state = AsyncValue(State())

  init(handlerLevel: Logger.Level?) {
    self.handlerLevel = handlerLevel
  }

  func expect(_ messageID: String, _ title: String) {
    state.update { $0.titles[messageID] = title }
  }

  /// Waits until every sent event has an outcome.
  func untilAllReported() async throws {
    try await state.wait { $0.told.isSuperset(of: $0.titles.keys) }
  }

  func handle(_ context: HandlerContext, next: @escaping Next) async throws {
    var inner = context
    if let handlerLevel { inner.logger.logLevel = handlerLevel }
    do {
      try await next(inner)
      report(
        context, context.wasAlreadyHandled ? "already handled (duplicate of \(context.idempotencyKey))" : "handled")
    } catch let failure as HandlingFailure {
      report(context, outcome(of: failure, context))
      throw failure
    }
  }

  private func outcome(of failure: HandlingFailure, _ context: HandlerContext) -> String {
    // Its plugin may be down, and then it waits for that, without a receive.
    let unless = failure.kind.canBeOutage ? ", or waits where its plugin is down" : ""
    switch failure.settlement {
    case .deadLetter where failure.isExhausted:
      return "failed: \(failure); this was try \(context.receiveCount), the last, so it is dead-lettered\(unless)"
    case .deadLetter: return "dead-lettered: \(failure)"
    case .leave: return "left on the queue: \(failure)"
    case .retry(let delay):
      return "failed: \(failure); it comes again in \(delay.formatted(.units(allowed: [.seconds])))\(unless)"
    }
  }

  private func report(_ context: HandlerContext, _ outcome: String) {
    let title = state.value.titles[context.messageID] ?? "message \(context.messageID)"
    printLine("  " + TerminalText.line("\(context.eventType), \(title): \(outcome)"))
    state.update { _ = $0.told.insert(context.messageID) }
  }

  /// Reports when a plugin goes down or recovers, until the task is cancelled.
  func watchPlugins(of consumers: Consumers) async throws {
    var down: [String: String] = [:]
    while true {
      let found = consumers.services.reduce(into: [:]) {
        $0.merge($1.consumer.status.closedPlugins) { first, _ in first }
      }
      for (plugin, problem) in found.sorted(by: { $0.key < $1.key }) where down[plugin] == nil {
        printLine("  " + TerminalText.line("plugin \(plugin): down, and its events wait: \(problem)"))
      }
      for plugin in down.keys.sorted() where found[plugin] == nil {
        printLine("  plugin \(plugin): healthy again, and its events are handled")
      }
      down = found
      try await Task.sleep(for: .milliseconds(200))
    }
  }
}
