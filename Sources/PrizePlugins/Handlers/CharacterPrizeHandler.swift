import Logging
import Tracing
import WorkerKit

/// `prizes.character`: gives an orphaned character away.
struct CharacterPrizeHandler: EventHandler {
  let store: any PrizeStore
  /// The process's own where nil.
  var tracer: (any Tracer)?

  func handle(_ event: CharacterAwarded, context: HandlerContext) async throws {
    try await (tracer ?? InstrumentationSystem.tracer).withSpan("handle_character_prize") { span in
      let outcome = try await store.transfer(event, as: context.eventKey)
      context.report(outcome, in: span, metadata: ["characterId": "\(event.characterId)"])
    }
  }
}
