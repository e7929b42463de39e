import Logging
import Tracing
import WorkerKit

/// `prizes.character`: gives an orphaned character away.
struct CharacterPrizeHandler: EventHandler {
  let store: any PrizeStore

  func handle(_ event: CharacterAwarded, context: HandlerContext) async throws {
    try await withSpan("handle_character_prize") { span in
      let outcome = try await store.transfer(event, as: context.eventKey)
      context.report(outcome, in: span, metadata: ["characterId": "\(event.characterId)"])
    }
  }
}
