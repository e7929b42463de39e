import Foundation
import NIOCore

/// The open connections of a server, and the choice of those to close. Used on the server's event loop only.
final class OpenConnections {
  private static let interval = TimeAmount.seconds(1)

  let limits: HTTPServerLimits
  private var open: [ObjectIdentifier: ConnectionHandler] = [:]
  private var isChecking = false
  /// Whether a client waits for a connection to be closed.
  private var isFull = false
  private var lastDate = HTTPDate()

  init(_ limits: HTTPServerLimits) {
    self.limits = limits
  }

  func add(_ connection: ConnectionHandler, on eventLoop: any EventLoop) {
    open[ObjectIdentifier(connection)] = connection
    if !isChecking { check(on: eventLoop) }
    if open.count > limits.connections, let longestWaiting { close(longestWaiting) }
  }

  func remove(_ connection: ConnectionHandler) {
    open[ObjectIdentifier(connection)] = nil
  }

  /// Whether the limit allows another connection, or a connection can be closed for it.
  func mayAccept() -> Bool {
    isFull = open.count >= limits.connections && longestWaiting == nil
    return !isFull
  }

  /// Called when a connection starts to wait for its client, so that it may be closed for another.
  func mayBeReplaced(_ channel: any Channel) {
    guard isFull else { return }
    isFull = false
    channel.parent?.read()
  }

  /// The value of the `Date` header.
  func date() -> String { lastDate.now() }

  private var longestWaiting: ConnectionHandler? {
    open.values.lazy.compactMap { connection in connection.wait.map { ($0.since, connection) } }
      .min { $0.0 < $1.0 }?.1
  }

  /// Closes a connection. It no longer counts from here on, although its handler is notified later.
  private func close(_ connection: ConnectionHandler) {
    remove(connection)
    connection.close()
  }

  /// Closes connections that exceed a limit, once a second while there are connections.
  private func check(on eventLoop: any EventLoop) {
    for connection in open.values where connection.isOverdue(at: eventLoop.now) { close(connection) }
    var held = open.values.reduce(0) { $0 + $1.heldBytes }
    while held > limits.heldBytes, let largest = open.values.max(by: { $0.heldBytes < $1.heldBytes }) {
      held -= largest.heldBytes
      close(largest)
    }
    isChecking = !open.isEmpty
    guard isChecking else { return }
    eventLoop.assumeIsolated().scheduleTask(in: Self.interval) { [weak self] in self?.check(on: eventLoop) }
  }
}

/// Formats dates for HTTP, such as `Sun, 06 Nov 1994 08:49:37 GMT`, and caches the last one.
struct HTTPDate {
  private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

  private var second = -1
  private var text = ""

  mutating func now() -> String { at(time(nil)) }

  /// Formats a time.
  ///
  /// - Parameter second: The seconds since 1970.
  mutating func at(_ second: Int) -> String {
    guard second != self.second else { return text }
    var time = time_t(second)
    var parts = tm()
    gmtime_r(&time, &parts)
    func padded(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let date = "\(padded(parts.tm_mday)) \(Self.months[Int(parts.tm_mon)]) \(1900 + parts.tm_year)"
    let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec].map(padded).joined(separator: ":")
    self.second = second
    text = "\(Self.days[Int(parts.tm_wday)]), \(date) \(clock) GMT"
    return text
  }
}
