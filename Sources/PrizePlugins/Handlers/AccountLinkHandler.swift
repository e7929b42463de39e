import Logging
import Tracing
import WorkerKit

/// `prizes.link`: links Discord accounts to users, who then own what was pending for them.
struct AccountLinkHandler: BatchEventHandler {
  let store: any PrizeStore

  func handle(_ batch: [EventDelivery<AccountLinked>]) async throws -> [Result<Void, any Error>] {
    try await batch.handle(in: "handle_account_link", by: store.link) { delivery, outcome, span in
      switch outcome {
      case .now(let claim):
        span.setOutcome(claim.leftStacks == 0 ? "linked" : "linkedInPart")
        let logger = delivery.context.logger
        logger.info(
          "account is linked",
          metadata: ["claimedItems": "\(claim.items)", "claimedCharacters": "\(claim.characters)"])
        if claim.leftStacks > 0 {
          logger.warning(
            "items stay pending for a linked account because the user's stacks are full; check for a producer that awards too much",
            metadata: ["leftStacks": "\(claim.leftStacks)", "largestStack": "\(PrizeRules.largestStack)"])
        }
      case .alreadyHandled:
        delivery.context.reportAlreadyHandled(in: span)
      }
    }
  }
}
