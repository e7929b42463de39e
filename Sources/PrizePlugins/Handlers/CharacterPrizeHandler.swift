import Logging
import WorkerKit

/// `prizes.character`: gives orphaned characters away.
struct CharacterPrizeHandler: BatchEventHandler {
  let store: any PrizeStore

  func handle(_ batch: [EventDelivery<CharacterAwarded>]) async throws -> [Result<Void, any Error>] {
    try await batch.handle(in: "handle_character_prize", by: store.transfer) { delivery, outcome, span in
      delivery.context.report(outcome, in: span, metadata: ["characterId": "\(delivery.event.characterId)"])
    }
  }
}
