import Logging
import Tracing
import WorkerKit

/// `prizes.link`: links a Discord account to a user, who then owns what was pending for it.
struct AccountLinkHandler: EventHandler {
  let store: any PrizeStore

  func handle(_ event: AccountLinked, context: HandlerContext) async throws {
    try await withSpan("handle_account_link") { span in
      switch try await store.link(event, as: context.eventKey) {
      case .now(let claim):
        span.attributes["prize.outcome"] = "linked"
        context.logger.info(
          "account is linked",
          metadata: ["claimedItems": "\(claim.items)", "claimedCharacters": "\(claim.characters)"])
      case .alreadyHandled:
        context.reportAlreadyHandled(in: span)
      }
    }
  }
}
