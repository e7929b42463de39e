/// Where prizes are kept.
///
/// Each of the three events is written together with its key in one transaction: either both are there or neither,
/// wherever the process dies. A key that is there already means that the event was handled: nothing is written.
///
/// They throw ``EventError`` for what the event got wrong, ``PrizeStoreError`` for what the store could not do, and
/// `CancellationError` when their task is cancelled before the commit. Whatever is thrown, nothing was written.
protocol PrizeStore: Sendable {
  /// Grants items: owned at once where the Discord account is linked, else pending until it is.
  func grant(_ event: ItemAwarded, as key: EventKey) async throws -> Handled<Holder>

  /// Gives an orphaned character away: owned at once where the Discord account is linked, else pending until it is.
  func transfer(_ event: CharacterAwarded, as key: EventKey) async throws -> Handled<Holder>

  /// Links a Discord account to a user, who then owns all that was pending for it.
  func link(_ event: AccountLinked, as key: EventKey) async throws -> Handled<Claim>

  /// Adds and updates what a catalog names, and removes nothing. Throws ``CatalogError`` for what contradicts what is
  /// already kept.
  func importCatalog(_ catalog: Catalog) async throws -> ImportCounts

  /// What is owned by and pending for an id: of a user, or else of a Discord account.
  func holdings(of id: Identifier) async throws -> Holdings

  /// Returns where prizes could be granted now, as far as a look can tell.
  func checkHealth() async throws
}

/// What makes one event itself, however often it is delivered.
struct EventKey: Hashable, Sendable {
  var eventType: String
  /// ``HandlerContext/idempotencyKey``.
  var key: String
}

/// What became of an event.
enum Handled<Outcome: Sendable>: Sendable {
  case now(Outcome)
  /// An earlier delivery did it; this one wrote nothing.
  case alreadyHandled
}

extension Handled: Equatable where Outcome: Equatable {}

/// Whose a prize is.
enum Holder: Hashable, Sendable {
  case owned(by: Identifier)
  /// Waits until this Discord account is linked.
  case pending(for: DiscordUserID)
}

/// What a newly linked account brought its user.
struct Claim: Hashable, Sendable {
  /// Stacks and single items, not their quantities.
  var items = 0
  var characters = 0
}
