import Logging
import Tracing
import WorkerKit

/// `prizes.item`: grants items.
struct ItemPrizeHandler: EventHandler {
  let store: any PrizeStore

  func handle(_ event: ItemAwarded, context: HandlerContext) async throws {
    try await withSpan("handle_item_prize") { span in
      let outcome = try await store.grant(event, as: context.eventKey)
      context.report(
        outcome, in: span,
        metadata: ["itemTypeId": "\(event.itemTypeId)", "quantity": "\(event.quantity)"])
    }
  }
}
