import Logging
package import WorkerKit

/// `prizes.item`: grants items.
package struct ItemPrizeHandler: BatchEventHandler {
  let store: any PrizeStore

  /// The database is locked for as long as one batch takes: some milliseconds for so many.
  package var batchLimit: Int { 250 }

  package func handle(_ batch: [EventDelivery<ItemAwarded>]) async throws -> [Result<Void, any Error>] {
    try await batch.handle(in: "handle_item_prize", by: store.grant) { delivery, outcome, span in
      let event = delivery.event
      delivery.context.report(
        outcome, in: span, metadata: ["itemTypeId": "\(event.itemTypeId)", "quantity": "\(event.quantity)"])
    }
  }
}
