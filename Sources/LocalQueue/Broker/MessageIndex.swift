import DequeModule
import HeapModule

/// Which of a queue's messages can be received, and when the others can. It knows ids and times, and nothing of bodies
/// or disks.
///
/// Receiving, hiding and removing take a time that hardly grows with the number of messages. What does: ``remove(_:)``
/// from the middle of a FIFO group, and ``expire(sentBefore:)``.
struct MessageIndex {
  enum Phase {
    case visible
    /// Not received yet, and not to be before its delay is over.
    case delayed
    case inFlight
  }

  struct Entry {
    var phase: Phase
    /// When a message that is not visible becomes so.
    var hiddenUntil: Milliseconds
    var sentAt: Milliseconds
    var receivedAt: Milliseconds
    var receiveCount: Int
    /// In a FIFO queue.
    var group: String?
  }

  /// What one receive came upon.
  struct Taken {
    var received: [Int64] = []
    /// Received too often before: for the dead-letter queue.
    var dead: [Int64] = []
    /// Older than the queue keeps messages.
    var expired: [Int64] = []
  }

  private struct Hidden: Comparable {
    let until: Milliseconds
    let id: Int64

    static func < (first: Hidden, second: Hidden) -> Bool { first.until < second.until }
  }

  /// A FIFO group's messages, in order. While one is in flight none can be received.
  private struct Group {
    var ids: Deque<Int64> = []
    var inFlight = 0
    var isReady = false
  }

  let isFIFO: Bool
  private var entries: [Int64: Entry] = [:]
  /// In the order in which they became visible. One that was deleted meanwhile is passed over.
  private var visible: Deque<Int64> = []
  /// One that was deleted, or whose time was changed, is passed over.
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

  /// When the next message becomes visible by itself; possibly earlier, never later.
  var nextEvent: Milliseconds? { hidden.min?.until }

  /// Takes in a message. Ids grow from one to the next.
  mutating func insert(_ id: Int64, _ entry: Entry) {
    var entry = entry
    // On a standard queue a group orders nothing.
    if !isFIFO { entry.group = nil }
    entries[id] = entry
    count(entry.phase, by: 1)
    if entry.phase != .visible { hidden.insert(Hidden(until: entry.hiddenUntil, id: id)) }
    if let group = entry.group {
      groups[group, default: Group()].ids.append(id)
      if entry.phase == .inFlight { groups[group]?.inFlight += 1 }
      refresh(group)
    } else if entry.phase == .visible {
      visible.append(id)
    }
  }

  /// Makes visible what is due.
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
    /// Whether the message is dealt with, so that the one behind it in its group may be looked at.
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
        if let group = entry.group { groups[group]?.inFlight += 1 }
        hidden.insert(Hidden(until: hiddenUntil, id: id))
        taken.received.append(id)
      }
    }
    if isFIFO {
      while taken.received.count < count, let name = readyGroups.popFirst() {
        groups[name]?.isReady = false
        guard let group = groups[name], group.inFlight == 0 else { continue }
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

  /// The message that the next receive would come upon first.
  mutating func firstVisible() -> Int64? {
    if isFIFO {
      while let name = readyGroups.first {
        if let group = groups[name], group.inFlight == 0, let id = group.ids.first, entries[id]?.phase == .visible {
          return id
        }
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

  /// Changes when a message in flight becomes visible again.
  mutating func hide(_ id: Int64, until: Milliseconds, at now: Milliseconds) {
    guard entries[id]?.phase == .inFlight else { return }
    entries[id]?.hiddenUntil = until
    if until <= now {
      show(id)
    } else {
      hidden.insert(Hidden(until: until, id: id))
    }
  }

  mutating func remove(_ id: Int64) {
    guard let entry = entries.removeValue(forKey: id) else { return }
    count(entry.phase, by: -1)
    forgetRemoved()
    guard let name = entry.group, var group = groups.removeValue(forKey: name) else { return }
    if entry.phase == .inFlight { group.inFlight -= 1 }
    if group.ids.first == id {
      group.ids.removeFirst()
    } else if let index = group.ids.firstIndex(of: id) {
      group.ids.remove(at: index)
    }
    guard !group.ids.isEmpty else { return }
    groups[name] = group
    refresh(name)
  }

  /// Drops what only stands for messages that are gone, or for times that were changed, once that is most of it.
  private mutating func forgetRemoved() {
    if hidden.count > 2 * (delayedCount + inFlightCount) + 1_000 {
      hidden = Heap(
        entries.lazy.filter { $0.value.phase != .visible }.map { Hidden(until: $0.value.hiddenUntil, id: $0.key) })
    }
    if visible.count > 2 * visibleCount + 1_000 {
      visible.removeAll { entries[$0]?.phase != .visible }
    }
  }

  mutating func removeAll() {
    self = MessageIndex(isFIFO: isFIFO)
  }

  /// Removes what was sent until then, and returns it.
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
      if entry.phase == .inFlight { groups[group]?.inFlight -= 1 }
      refresh(group)
    } else {
      visible.append(id)
    }
  }

  /// Puts a group into the row of those that can be received from, where it belongs there.
  private mutating func refresh(_ name: String) {
    guard let group = groups[name], !group.isReady, group.inFlight == 0, let first = group.ids.first,
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
