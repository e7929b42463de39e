import CPostgres
import Foundation
import WorkerKit
import WorkerLocks

/// A connection that is being made, on a thread of its own.
///
/// libpq looks names up and tries one host after the other, which may take `connect_timeout` for each, and nothing ends that. So the
/// thread belongs to nobody else, and the caller may stop waiting for the connection.
final class ConnectionAttempt: Sendable {
  /// That of the connection, which also wakes the caller.
  let alarm: Alarm
  private let isOver: Alarm
  private let result = Mutex<Result<PostgresConnection, any Error>?>(nil)

  init(_ address: PostgresAddress) throws {
    alarm = try Alarm()
    isOver = try Alarm()
    let thread = Thread { [self] in
      let made = Result { try PostgresConnection(address, alarm: alarm) }
      result.withLock { $0 = made }
      isOver.ring()
    }
    thread.name = "worker-postgres-connect"
    thread.start()
  }

  var hasFailed: Bool {
    if case .failure = result.withLock({ $0 }) { true } else { false }
  }

  /// - Returns: nil at the deadline; the attempt goes on.
  /// - Throws: ``PostgresFailure``; `CancellationError` where the alarm was rung, and then the attempt goes on as well.
  func connection(until deadline: ContinuousClock.Instant) throws -> PostgresConnection? {
    while true {
      if let result = result.withLock({ $0 }) { return try result.get() }
      var descriptors = [
        pollfd(fd: isOver.descriptor, events: Int16(POLLIN), revents: 0),
        pollfd(fd: alarm.descriptor, events: Int16(POLLIN), revents: 0),
      ]
      let rest = ContinuousClock.now.duration(to: deadline)
      guard rest > .zero else { return nil }
      _ = poll(&descriptors, nfds_t(descriptors.count), rest.pollMilliseconds)
      if descriptors[1].revents != 0 {
        alarm.silence()
        throw CancellationError()
      }
    }
  }
}

extension Duration {
  /// For `poll`: rounded up.
  var pollMilliseconds: Int32 {
    Int32(clamping: components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 + 1)
  }
}
