import DequeModule
import HeapModule

/// The visibility of a queue's messages. It stores ids and times, without bodies, in memory.
///
/// The time to receive, hide or remove a message hardly grows with the number of messages, with two exceptions:
/// ``remove(_:)`` from the middle of a FIFO group, and ``expire(sentBefore:)``.
struct MessageIndex {
  enum Phase {
    case visible
    /// Not received yet, and not visible until its delay ends.
    case delayed
    case inFlight
  }

  struct Entry {
    var phase: Phase
    /// When a message that is not visible becomes visible.
    var hiddenUntil: Milliseconds
    var sentAt: Milliseconds
    var receivedAt: Milliseconds
    var receiveCount: Int
    /// The message group, on a FIFO queue.
    var group: String?
  }

  /// The result of one receive.
  struct Taken {
    var received: [Int64] = []
    /// Messages that were received too often, for the dead-letter queue.
    var dead: [Int64] = []
    /// Messages that are older than the retention period.
    var expired: [Int64] = []
  }

  private struct Hidden: Comparable {
    let until: Milliseconds
    let id: Int64

    static func < (first: Hidden, second: Hidden) -> Bool { (first.until, first.id) < (second.until, second.id) }
  }

  /// The messages of a FIFO group, in order. A message that is not visible blocks those behind it.
  private struct Group {
    var ids: Deque<Int64> = []
    var isReady = false
  }

  let isFIFO: Bool
  private var entries: [Int64: Entry] = [:]
  /// The visible messages, in the order in which they became visible. Entries of deleted messages are skipped.
  private var visible: Deque<Int64> = []
  /// The hidden messages. Entries of deleted messages, and outdated times, are skipped.
  private var hidden: Heap<Hidden> = []
  private var groups: [String: Group] = [:]
  private var readyGroups: Deque<String> = []
  private(set) var delayedCount = 0
  private(set) var inFlightCount = 0

  init(isFIFO: Bool) {
    self.isFIFO = isFIFO
  }

  var count: Int { entries.count }
  var ids: [Int64] { Array(entries.keys) }
  var visibleCount: Int { entries.count - delayedCount - inFlightCount }

  subscript(id: Int64) -> Entry? { entries[id] }

  /// When the next message becomes visible; possibly earlier, never later.
  var nextEvent: Milliseconds? { hidden.min?.until }

  /// Adds a message. Ids are increasing.
  mutating func insert(_ id: Int64, _ entry: Entry) {
    var entry = entry
    // On a standard queue, groups do not affect the order.
    if !isFIFO { entry.group = nil }
    entries[id] = entry
    count(entry.phase, by: 1)
    if entry.phase != .visible { hidden.insert(Hidden(until: entry.hiddenUntil, id: id)) }
    if let group = entry.group {
      groups[group, default: Group()].ids.append(id)
      refresh(group)
    } else if entry.phase == .visible {
      visible.append(id)
    }
  }

  /// Makes due messages visible.
  mutating func showDue(at now: Milliseconds) {
    while let next = hidden.min, next.until <= now {
      hidden.removeMin()
      guard let entry = entries[next.id], entry.phase != .visible, entry.hiddenUntil == next.until else { continue }
      show(next.id)
    }
  }

  /// Receives up to `count` messages, and hides them until `hiddenUntil`.
  mutating func take(
    _ count: Int, at now: Milliseconds, hiddenUntil: Milliseconds, sentAfter: Milliseconds, maxReceiveCount: Int?
  ) -> Taken {
    var taken = Taken()
    /// Processes a message, after which the next one of its group may be considered.
    func take(_ id: Int64) {
      guard var entry = entries[id] else { return }
      if entry.sentAt <= sentAfter {
        taken.expired.append(id)
        remove(id)
      } else if let maxReceiveCount, entry.receiveCount >= maxReceiveCount {
        taken.dead.append(id)
        remove(id)
      } else {
        entry.receiveCount += 1
        entry.receivedAt = now
        entry.hiddenUntil = hiddenUntil
        entry.phase = .inFlight
        entries[id] = entry
        inFlightCount += 1
        hidden.insert(Hidden(until: hiddenUntil, id: id))
        taken.received.append(id)
      }
    }
    if isFIFO {
      while taken.received.count < count, let name = readyGroups.popFirst() {
        groups[name]?.isReady = false
        guard let group = groups[name] else { continue }
        for id in group.ids {
          guard taken.received.count < count, entries[id]?.phase == .visible else { break }
          take(id)
        }
        refresh(name)
      }
    } else {
      while taken.received.count < count, let id = visible.popFirst() {
        if entries[id]?.phase == .visible { take(id) }
      }
    }
    return taken
  }

  /// The message that the next receive would consider first.
  mutating func firstVisible() -> Int64? {
    if isFIFO {
      while let name = readyGroups.first {
        if let id = groups[name]?.ids.first, entries[id]?.phase == .visible { return id }
        readyGroups.removeFirst()
        groups[name]?.isReady = false
      }
    } else {
      while let id = visible.first {
        if entries[id]?.phase == .visible { return id }
        visible.removeFirst()
      }
    }
    return nil
  }

  /// Changes when a received message becomes visible again. A message that is already visible is in flight again.
  mutating func hide(_ id: Int64, until: Milliseconds, at now: Milliseconds) {
    guard let phase = entries[id]?.phase, phase != .delayed else { return }
    entries[id]?.hiddenUntil = until
    if until <= now {
      if phase == .inFlight { show(id) }
    } else {
      if phase == .visible {
        entries[id]?.phase = .inFlight
        inFlightCount += 1
      }
      hidden.insert(Hidden(until: until, id: id))
      forgetOutdated()
    }
  }

  mutating func remove(_ id: Int64) {
    guard let entry = entries.removeValue(forKey: id) else { return }
    count(entry.phase, by: -1)
    forgetOutdated()
    guard let name = entry.group, var group = groups.removeValue(forKey: name) else { return }
    if group.ids.first == id {
      group.ids.removeFirst()
    } else if let index = group.ids.firstIndex(of: id) {
      group.ids.remove(at: index)
    }
    guard !group.ids.isEmpty else { return }
    groups[name] = group
    refresh(name)
  }

  /// Removes outdated entries once they are the majority.
  private mutating func forgetOutdated() {
    if hidden.count > 2 * (delayedCount + inFlightCount) + 1_000 {
      hidden = Heap(
        entries.lazy.filter { $0.value.phase != .visible }.map { Hidden(until: $0.value.hiddenUntil, id: $0.key) })
    }
    if visible.count > 2 * visibleCount + 1_000 {
      var seen: Set<Int64> = []
      visible.removeAll { entries[$0]?.phase != .visible || !seen.insert($0).inserted }
    }
  }

  mutating func removeAll() {
    self = MessageIndex(isFIFO: isFIFO)
  }

  /// Removes and returns the messages that were sent up to a time.
  mutating func expire(sentBefore time: Milliseconds) -> [Int64] {
    let expired = entries.filter { $0.value.sentAt <= time }.map(\.key)
    for id in expired { remove(id) }
    return expired
  }

  private mutating func show(_ id: Int64) {
    guard let entry = entries[id] else { return }
    count(entry.phase, by: -1)
    entries[id]?.phase = .visible
    if let group = entry.group {
      refresh(group)
    } else {
      visible.append(id)
    }
  }

  /// The visible messages that can be received, in the order of their ids. On a FIFO queue, blocked messages are
  /// excluded.
  var receivable: [Int64] {
    guard isFIFO else { return entries.lazy.filter { $0.value.phase == .visible }.map(\.key).sorted() }
    return groups.values.flatMap { $0.ids.prefix { entries[$0]?.phase == .visible } }.sorted()
  }

  /// Adds a group to the groups that can be received from, if it qualifies.
  private mutating func refresh(_ name: String) {
    guard let group = groups[name], !group.isReady, let first = group.ids.first,
      entries[first]?.phase == .visible
    else { return }
    groups[name]?.isReady = true
    readyGroups.append(name)
  }

  private mutating func count(_ phase: Phase, by change: Int) {
    switch phase {
    case .visible: break
    case .delayed: delayedCount += change
    case .inFlight: inFlightCount += change
    }
  }
}
