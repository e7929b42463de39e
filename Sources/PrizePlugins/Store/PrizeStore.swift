/// Where prizes are kept.
///
/// Each of the three kinds of event is written together with its key: either both are there or neither, wherever the
/// process dies. A key that is there already means that the event was handled: nothing is written for it.
///
/// A batch is one transaction, and gives one outcome for each event, in order. An event that fails undoes what it wrote
/// itself and nothing else: its outcome is an ``EventError`` for what it got wrong, or a ``PrizeStoreError`` of kind
/// `unexpected` for what the store could not do with it. What is thrown is everyone's failure, and then nothing was
/// written: a ``PrizeStoreError`` for what the store could not do at all, or `CancellationError` when the task is cancelled
/// before the commit.
protocol PrizeStore: Sendable {
  /// Grants items: owned at once where the Discord account is linked, else pending until it is.
  func grant(_ events: [KeyedEvent<ItemAwarded>]) async throws -> [Result<Handled<Holder>, any Error>]

  /// Gives orphaned characters away: owned at once where the Discord account is linked, else pending until it is.
  func transfer(_ events: [KeyedEvent<CharacterAwarded>]) async throws -> [Result<Handled<Holder>, any Error>]

  /// Links Discord accounts to users, who then own what was pending for them, as far as their stacks have room. What does not
  /// fit stays pending, and is claimed when the same account is linked to the same user again.
  func link(_ events: [KeyedEvent<AccountLinked>]) async throws -> [Result<Handled<Claim>, any Error>]

  /// Adds and updates what a catalog names, and removes nothing. Throws ``CatalogError`` for what contradicts what is
  /// already kept.
  func importCatalog(_ catalog: Catalog) async throws -> ImportCounts

  /// What is owned by and pending for an id: of a user, or else of a Discord account.
  ///
  /// - Parameter withHistory: Whether to read the latest ``LedgerEntry/mostShown`` lines of the ledger as well.
  func holdings(of id: Identifier, withHistory: Bool) async throws -> Holdings

  /// Sums up the ledger. A million lines take less than a second.
  func report(_ request: PrizeReport.Request) async throws -> PrizeReport

  /// Forgets the keys of events that were handled longer ago than `age`: ``KeyPruning/step`` of them, the oldest first, in a transaction
  /// of its own. The ledger keeps its lines.
  ///
  /// - Returns: Whether there may be more.
  func pruneKeys(olderThan age: Duration) async throws -> KeyPruning.Step

  /// Returns where prizes could be granted now, as far as a look can tell.
  func checkHealth() async throws

  /// Closes the connections, after the statements that are under way. No call may follow. A store that nobody closes is closed
  /// with its last reference.
  func close()
}

extension PrizeStore {
  func holdings(of id: Identifier) async throws -> Holdings {
    try await holdings(of: id, withHistory: false)
  }
}

/// What makes one event itself, however often it is delivered. Two are the same when they have the same bytes, as databases compare
/// them, though Swift calls texts equal that Unicode does.
struct EventKey: Hashable, Sendable {
  var eventType: String
  /// ``HandlerContext/idempotencyKey``.
  var key: String

  static func == (left: EventKey, right: EventKey) -> Bool {
    left.key.utf8.elementsEqual(right.key.utf8) && left.eventType.utf8.elementsEqual(right.eventType.utf8)
  }
}

/// An event with what makes it itself.
struct KeyedEvent<Event: Sendable>: Sendable {
  var event: Event
  var key: EventKey

  init(_ event: Event, key: EventKey) {
    self.event = event
    self.key = key
  }
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
  /// Stacks of which a part, or all, stays pending: with it the user's would hold more than ``PrizeRules/largestStack``.
  var leftStacks = 0
}
