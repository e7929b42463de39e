/// Handles that wait for their next request, in the order in which they became idle.
///
/// As many requests as are under way at once need a handle each, and each handle keeps its buffers: 32 KB with libcurl 7.88. A
/// few stay; the others are freed when they have been idle for ``idleTime``. Connections are not theirs: they stay open.
struct IdleHandles<Handle> {
  /// How many stay, however long they are idle.
  static var kept: Int { 8 }
  /// How long the others stay.
  static var idleTime: Duration { .seconds(5) }

  private var handles: [(handle: Handle, since: ContinuousClock.Instant)] = []

  var count: Int { handles.count }

  /// When a handle is to be freed next; nil for never.
  var nextEnd: ContinuousClock.Instant? {
    handles.count > Self.kept ? handles.first.map { $0.since + Self.idleTime } : nil
  }

  mutating func add(_ handle: Handle, at now: ContinuousClock.Instant) {
    handles.append((handle, now))
  }

  /// Takes the latest handle that is ready for a request, or else the latest.
  mutating func take(where isReady: (Handle) -> Bool) -> Handle? {
    guard let index = handles.lastIndex(where: { isReady($0.handle) }) ?? handles.indices.last else { return nil }
    return handles.remove(at: index).handle
  }

  /// Removes the handles whose idle time is over, for the caller to free.
  ///
  /// - Returns: whether there were any.
  mutating func removeStale(at now: ContinuousClock.Instant) -> Bool {
    let before = handles.count
    while let end = nextEnd, end <= now { handles.removeFirst() }
    return handles.count < before
  }

  mutating func removeAll() {
    handles.removeAll()
  }
}
