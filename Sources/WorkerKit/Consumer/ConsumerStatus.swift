/// What a consumer is doing at one moment: for readiness, liveness and people.
public struct ConsumerStatus: Sendable, Hashable {
  /// What the loop does, or waits for.
  public enum Activity: Sendable, Hashable {
    /// It looks at its queue for the first time.
    case starting
    /// A receive is under way, or was just answered.
    case receiving
    /// All slots are taken.
    case waitingForSlots
    /// Every plugin is down.
    case waitingForPlugins
    /// Receiving fails, and is tried again: why.
    case failing(String)
    /// It stops: what is in hand is finished.
    case draining
    /// It has ended.
    case stopped
  }

  /// The queue's name in its URL.
  public var queue: String
  public var activity: Activity
  /// For how long.
  public var duration: Duration
  /// The longest that a turn of a healthy loop takes in this activity; nil where there is no limit. Beyond it, the loop
  /// hangs.
  public var limit: Duration?
  /// Messages in hand, those parked included.
  public var inFlight: Int
  /// Of them, those that wait for their plugin, or for one before them in their group, and take up no slot.
  public var parked: Int
  /// How many are handled at once.
  public var slots: Int
  /// The plugins that are down, and what each said.
  public var closedPlugins: [String: String]
  /// Whether a receive has ever succeeded.
  public var hasReceived: Bool

  /// Whether the loop turns.
  public var isLive: Bool { limit.map { duration <= $0 } ?? true }
}
