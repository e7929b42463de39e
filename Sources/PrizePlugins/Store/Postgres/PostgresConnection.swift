import CPostgres
import Foundation
import WorkerKit

/// A connection to a server. Its calls block their thread, which must be one of the pool's own, and end at their deadline.
///
/// Nothing stays of a transaction in the session, so that PgBouncer may give each transaction another one.
///
/// `@unchecked` is sound: one thread at a time uses a connection, which it took out of the pool for that.
final class PostgresConnection: @unchecked Sendable {
  private let handle: OpaquePointer
  /// Written to where the call that uses the connection is cancelled.
  let alarm: Alarm

  /// Connects, to the first of the hosts that answers as it should. Each has the time of `connect_timeout`.
  ///
  /// Blocks its thread for so long: see ``ConnectionAttempt``.
  init(_ address: PostgresAddress, alarm: @autoclosure () throws -> Alarm = try Alarm()) throws {
    let parameters = address.parameters
    var keywords = parameters.map { strdup($0.keyword).map { UnsafePointer($0) } } + [nil]
    var values = parameters.map { strdup($0.value).map { UnsafePointer($0) } } + [nil]
    defer { for text in keywords + values { free(UnsafeMutablePointer(mutating: text)) } }
    guard let handle = PQconnectdbParams(&keywords, &values, 1) else {
      throw PostgresFailure(state: "53200", message: "the worker ran out of memory")
    }
    do {
      guard PQstatus(handle) == CONNECTION_OK else { throw Self.refusal(handle) }
      guard PQsetnonblocking(handle, 1) == 0, PQenterPipelineMode(handle) == 1 else {
        throw PostgresFailure(connection: handle)
      }
      self.alarm = try alarm()
    } catch {
      PQfinish(handle)
      throw error
    }
    // Notices, which would be written to standard error, and may quote values.
    PQsetNoticeReceiver(handle, { _, _ in }, nil)
    self.handle = handle
  }

  deinit {
    PQfinish(handle)
  }

  private static func refusal(_ handle: OpaquePointer) -> PostgresFailure {
    var failure = PostgresFailure(connection: handle)
    failure.state = PostgresRefusal.state(of: failure.message)
    return failure
  }

  /// Of the server: `150007` is 15.7.
  var serverVersion: Int { Int(PQserverVersion(handle)) }

  /// To which it is connected.
  var server: PostgresServer? {
    PQhost(handle).map { PostgresServer(host: String(cString: $0), port: Int(String(cString: PQport(handle)))) }
  }

  var isEncrypted: Bool { PQsslInUse(handle) == 1 }

  var isInTransaction: Bool { [PQTRANS_INTRANS, PQTRANS_INERROR].contains(PQtransactionStatus(handle)) }

  /// Whether it may still be used: nothing has come of a server that stopped meanwhile.
  var isAlive: Bool {
    guard PQstatus(handle) == CONNECTION_OK, PQtransactionStatus(handle) == PQTRANS_IDLE else { return false }
    var descriptor = pollfd(fd: PQsocket(handle), events: Int16(POLLIN), revents: 0)
    return poll(&descriptor, 1, 0) == 0
  }

  /// Sends the statements together, and waits for all results: one round trip.
  ///
  /// - Returns: The results of each.
  /// - Throws: ``PostgresFailure`` of the first statement that failed, after which none was run; `CancellationError` where the
  ///   alarm was rung.
  func run(_ statements: [PostgresStatement], until deadline: ContinuousClock.Instant) throws -> [PostgresRows] {
    for statement in statements { try send(statement) }
    guard PQpipelineSync(handle) == 1 else { throw PostgresFailure(connection: handle) }
    do {
      return try results(of: statements.count, until: deadline, heedsAlarm: true)
    } catch let failure as PostgresFailure where failure.state == PostgresFailure.timeout.state && failure.isOurs {
      giveUp()
      throw failure
    } catch is CancellationError {
      giveUp()
      throw CancellationError()
    }
  }

  private func send(_ statement: PostgresStatement) throws {
    guard !statement.parameters.contains(where: { $0?.utf8.contains(0) == true }) else {
      throw PostgresFailure(state: "22021", message: "a text holds a NUL, which PostgreSQL cannot keep")
    }
    let values = statement.parameters.map { $0.map { strdup($0) } ?? nil }
    defer { for value in values { free(value) } }
    let constants = values.map { $0.map { UnsafePointer($0) } }
    let isSent = PQsendQueryParams(handle, statement.sql, Int32(constants.count), nil, constants, nil, nil, 0)
    guard isSent == 1 else { throw PostgresFailure(connection: handle) }
  }

  /// Reads up to the end of the pipeline, so that the connection can be used again.
  private func results(
    of count: Int, until deadline: ContinuousClock.Instant, heedsAlarm: Bool
  ) throws -> [PostgresRows] {
    var results: [PostgresRows] = []
    results.reserveCapacity(count)
    var failure: PostgresFailure?
    while true {
      let next: OpaquePointer?
      do {
        next = try self.next(until: deadline, heedsAlarm: heedsAlarm)
      } catch let cut as PostgresFailure where !cut.isOurs {
        // A server that stops says so before it cuts the connection.
        throw failure ?? cut
      }
      guard let result = next else {
        // The end of a statement's results.
        guard PQstatus(handle) == CONNECTION_OK else { throw failure ?? PostgresFailure(connection: handle) }
        continue
      }
      defer { PQclear(result) }
      switch PQresultStatus(result) {
      case PGRES_PIPELINE_SYNC:
        if let failure { throw failure }
        return results
      case PGRES_TUPLES_OK, PGRES_COMMAND_OK:
        results.append(Self.rows(of: result))
      case PGRES_PIPELINE_ABORTED:
        continue
      default:
        failure = failure ?? PostgresFailure(result: result)
        guard PQstatus(handle) == CONNECTION_OK else { throw failure ?? PostgresFailure(connection: handle) }
      }
    }
  }

  private func next(until deadline: ContinuousClock.Instant, heedsAlarm: Bool) throws -> OpaquePointer? {
    while true {
      let flushed = PQflush(handle)
      guard PQisBusy(handle) == 1 else { return PQgetResult(handle) }
      var descriptors = [
        pollfd(fd: PQsocket(handle), events: Int16(POLLIN) | (flushed == 1 ? Int16(POLLOUT) : 0), revents: 0),
        pollfd(fd: heedsAlarm ? alarm.descriptor : -1, events: Int16(POLLIN), revents: 0),
      ]
      let rest = ContinuousClock.now.duration(to: deadline)
      guard rest > .zero else { throw PostgresFailure.timeout }
      _ = poll(&descriptors, nfds_t(descriptors.count), rest.pollMilliseconds)
      if descriptors[1].revents != 0 {
        alarm.silence()
        throw CancellationError()
      }
      if descriptors[0].revents & ~Int16(POLLOUT) != 0, PQconsumeInput(handle) == 0 {
        throw PostgresFailure(connection: handle)
      }
    }
  }

  private static func rows(of result: OpaquePointer) -> PostgresRows {
    let columns = PQnfields(result)
    let rows = (0..<PQntuples(result)).map { row in
      (0..<columns).map { column in
        PQgetisnull(result, row, column) == 1 ? nil : String(cString: PQgetvalue(result, row, column))
      }
    }
    return PostgresRows(
      rows: rows, count: Int(String(cString: PQcmdTuples(result))) ?? 0, command: String(cString: PQcmdStatus(result)))
  }

  /// Has the server cancel what it does, and reads what comes of that. Where nothing does, the connection stays in a state in which
  /// the pool closes it.
  private func giveUp() {
    if let cancel = PQgetCancel(handle) {
      let request = CancelRequest(cancel)
      // It connects to the server, for which libpq knows no time limit.
      let thread = Thread { request.send() }
      thread.name = "worker-postgres-cancel"
      thread.start()
    }
    _ = try? results(of: 0, until: .now + .seconds(1), heedsAlarm: false)
  }
}

/// A request to cancel what a connection does; freed with it.
///
/// `@unchecked` is sound: libpq makes it for use by another thread, and only one has it.
private final class CancelRequest: @unchecked Sendable {
  private let cancel: OpaquePointer

  init(_ cancel: OpaquePointer) {
    self.cancel = cancel
  }

  deinit {
    PQfreeCancel(cancel)
  }

  func send() {
    var error = [CChar](repeating: 0, count: 256)
    _ = PQcancel(cancel, &error, Int32(error.count))
  }
}

/// Wakes a thread that polls.
final class Alarm: Sendable {
  /// Readable once it was rung.
  let descriptor: CInt
  private let writer: CInt

  init() throws {
    var ends: [CInt] = [0, 0]
    guard pipe(&ends) == 0 else {
      throw PostgresFailure(state: "53000", message: "the worker has no file descriptors left")
    }
    (descriptor, writer) = (ends[0], ends[1])
    for end in ends {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
  }

  deinit {
    close(descriptor)
    close(writer)
  }

  func ring() {
    var byte: UInt8 = 1
    _ = write(writer, &byte, 1)
  }

  func silence() {
    var bytes = [UInt8](repeating: 0, count: 16)
    while read(descriptor, &bytes, bytes.count) > 0 {}
  }
}
