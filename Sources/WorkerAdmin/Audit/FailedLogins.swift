import Foundation

/// Counts failed logins, so that guesses do not fill the audit log: of one user from one address within a minute, the first has a
/// line of its own.
struct FailedLogins {
  /// The others of a minute.
  struct Folded {
    var user: String
    var address: String
    var count: Int
  }

  private struct Key: Hashable {
    var user: String
    var address: String
  }

  private struct Minute {
    var start: Date
    var others = 0
  }

  /// Names can be invented; further ones are counted together.
  private static let capacity = 100
  private static let various = Key(user: "(various)", address: "(various)")
  private static let length: TimeInterval = 60

  private var minutes: [Key: Minute] = [:]

  /// - Returns: Whether it is the first of its minute, which has its own line.
  mutating func add(_ user: String, _ address: String, at time: Date) -> Bool {
    var key = Key(user: String(decoding: user.utf8.prefix(200), as: UTF8.self), address: address)
    if minutes[key] == nil, minutes.count >= Self.capacity { key = Self.various }
    if minutes[key] != nil {
      minutes[key]?.others += 1
      return false
    }
    minutes[key] = Minute(start: time, others: key == Self.various ? 1 : 0)
    return key != Self.various
  }

  /// Takes out those whose minute is over.
  mutating func takeOver(at time: Date) -> [Folded] {
    let over = minutes.filter { time.timeIntervalSince($0.value.start) >= Self.length }
    for key in over.keys { minutes[key] = nil }
    return over.filter { $0.value.others > 0 }.sorted { $0.value.start < $1.value.start }
      .map { Folded(user: $0.key.user, address: $0.key.address, count: $0.value.others) }
  }
}
