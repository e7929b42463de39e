import Foundation
import GRDB

/// Access to the rows of the database. Writes become durable with the caller's transaction.
final class Storage {
  let db: Database
  private let insertMessage: Statement
  private let selectMessage: Statement
  private let updateHidden: Statement
  private let deleteMessage: Statement
  private let insertDeduplication: Statement
  private var lastMessage: Int64
  private var savedLastMessage: Int64
  private let pageCount: Statement
  private let freePages: Statement
  private var hasRoom = true

  private static let columns = """
    id, queue, message_id, body, attributes, trace_header, sender_id, group_id, deduplication_id, sent_at, \
    hidden_until, received_at, receive_count, first_received_at, source_arn
    """

  init(_ db: Database) throws {
    self.db = db
    insertMessage = try db.makeStatement(
      sql: "INSERT INTO messages (\(Self.columns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
    selectMessage = try db.makeStatement(sql: "SELECT \(Self.columns) FROM messages WHERE id = ?")
    updateHidden = try db.makeStatement(sql: "UPDATE messages SET hidden_until = ? WHERE id = ?")
    deleteMessage = try db.makeStatement(sql: "DELETE FROM messages WHERE id = ?")
    insertDeduplication = try db.makeStatement(
      sql: "INSERT OR REPLACE INTO deduplications (queue, key, message_id, message, sent_at) VALUES (?, ?, ?, ?, ?)")
    lastMessage = try Int64.fetchOne(db, sql: "SELECT last_message FROM counters") ?? 0
    savedLastMessage = lastMessage
    pageCount = try db.makeStatement(sql: "PRAGMA page_count")
    freePages = try db.makeStatement(sql: "PRAGMA freelist_count")
    hasRoom = try DiskSpace.reserve(db, pageCount: pageCount, freePages: freePages)
  }

  /// Runs a body in a transaction, and makes its writes durable.
  func transaction(_ body: () throws -> Void) throws {
    // Space may have been freed.
    if !hasRoom { hasRoom = try DiskSpace.reserve(db, pageCount: pageCount, freePages: freePages) }
    try db.inTransaction(.deferred) {
      try body()
      if lastMessage != savedLastMessage {
        try db.execute(sql: "UPDATE counters SET last_message = ?", arguments: [lastMessage])
      }
      hasRoom = try DiskSpace.reserve(db, pageCount: pageCount, freePages: freePages)
      return .commit
    }
    savedLastMessage = lastMessage
  }

  /// Checks for space.
  ///
  /// - Throws: The error for requests that would store more, if the disk is full.
  func checkRoom() throws {
    if !hasRoom { throw ServiceError.noRoomForMore }
  }

  // MARK: - Messages

  func nextMessage() -> Int64 {
    lastMessage += 1
    return lastMessage
  }

  func insert(_ message: StoredMessage) throws {
    // A message that was never received takes as much space as a received one: on a full disk, a receive could not add
    // its data.
    try insertMessage.execute(arguments: [
      message.id, message.queue, message.messageID, message.body, message.attributes, message.traceHeader,
      message.senderID, message.groupID, message.deduplicationID, message.sentAt, message.hiddenUntil,
      message.receivedAt ?? message.sentAt, message.receiveCount, message.firstReceivedAt ?? message.sentAt,
      message.sourceArn,
    ])
  }

  func message(_ id: Int64) throws -> StoredMessage {
    guard let row = try Row.fetchOne(selectMessage, arguments: [id]) else { throw Self.isMissing(id) }
    return Self.message(row)
  }

  private static func isMissing(_ id: Int64) -> DatabaseError {
    DatabaseError(message: "message \(id) is not in the database, and should be")
  }

  /// Iterates over all messages, or those of one queue, oldest first, without their contents.
  func forEachMessage(
    of queue: Int64? = nil, at now: Milliseconds,
    _ body: (_ queue: Int64, _ id: Int64, MessageIndex.Entry) -> Void
  ) throws {
    let sql = """
      SELECT id, queue, group_id, sent_at, hidden_until, received_at, receive_count FROM messages
      \(queue == nil ? "" : "WHERE queue = ?") ORDER BY id
      """
    let rows = try Row.fetchCursor(db, sql: sql, arguments: queue.map { [$0] } ?? [])
    while let row = try rows.next() {
      let hiddenUntil: Milliseconds = row[4]
      let receiveCount: Int = row[6]
      let phase: MessageIndex.Phase =
        hiddenUntil <= now ? .visible : receiveCount == 0 ? .delayed : .inFlight
      body(
        row[1], row[0],
        MessageIndex.Entry(
          phase: phase, hiddenUntil: hiddenUntil, sentAt: row[3], receivedAt: row[5], receiveCount: receiveCount,
          group: row[2]))
    }
  }

  /// Records a receive, and returns the messages with the new values, in the order of their ids.
  func receive(_ ids: [Int64], at now: Milliseconds, hiddenUntil: Milliseconds) throws -> [StoredMessage] {
    guard !ids.isEmpty else { return [] }
    let places = repeatElement("?", count: ids.count).joined(separator: ",")
    let statement = try db.cachedStatement(
      sql: """
        UPDATE messages SET received_at = ?1, receive_count = receive_count + 1, hidden_until = ?2,
          first_received_at = iif(receive_count = 0, ?1, first_received_at) WHERE id IN (\(places)) RETURNING \(Self.columns)
        """)
    var found: [Int64: StoredMessage] = [:]
    let rows = try Row.fetchCursor(statement, arguments: StatementArguments([now, hiddenUntil] + ids))
    while let row = try rows.next() {
      let message = Self.message(row)
      found[message.id] = message
    }
    return try ids.map { id in
      guard let message = found[id] else { throw Self.isMissing(id) }
      return message
    }
  }

  func hide(_ id: Int64, until hiddenUntil: Milliseconds) throws {
    try updateHidden.execute(arguments: [hiddenUntil, id])
  }

  /// Sets the delay of a queue's messages that were never received, relative to their sent time.
  func delayMessages(of queue: Int64, by delay: Milliseconds) throws {
    try db.execute(
      sql: "UPDATE messages SET hidden_until = sent_at + ? WHERE queue = ? AND receive_count = 0",
      arguments: [delay, queue])
  }

  func delete(_ id: Int64) throws {
    try deleteMessage.execute(arguments: [id])
  }

  func deleteMessages(of queue: Int64) throws {
    try db.execute(sql: "DELETE FROM messages WHERE queue = ?", arguments: [queue])
  }

  func deleteDeduplications(of queue: Int64) throws {
    try db.execute(sql: "DELETE FROM deduplications WHERE queue = ?", arguments: [queue])
  }

  private static func message(_ row: Row) -> StoredMessage {
    let receiveCount: Int = row[12]
    return StoredMessage(
      id: row[0], queue: row[1], messageID: row[2], body: row[3], attributes: row[4], traceHeader: row[5],
      senderID: row[6], groupID: row[7], deduplicationID: row[8], sentAt: row[9], hiddenUntil: row[10],
      receivedAt: row[11], receiveCount: receiveCount, firstReceivedAt: receiveCount == 0 ? nil : row[13],
      sourceArn: row[14])
  }

  // MARK: - Deduplication

  func insert(_ original: Deduplication.Original, for key: String, in queue: Int64) throws {
    try insertDeduplication.execute(arguments: [
      queue, key, original.messageID, original.message, original.sentAt,
    ])
  }

  /// Iterates over the deduplication ids recorded after `time`, oldest first.
  func forEachDeduplication(
    since time: Milliseconds, _ body: (_ queue: Int64, _ key: String, Deduplication.Original) -> Void
  ) throws {
    let sql = "SELECT queue, key, message_id, message, sent_at FROM deduplications WHERE sent_at > ? ORDER BY sent_at"
    let rows = try Row.fetchCursor(db, sql: sql, arguments: [time])
    while let row = try rows.next() {
      body(row[0], row[1], Deduplication.Original(messageID: row[2], message: row[3], sentAt: row[4]))
    }
  }

  func forgetDeduplications(before time: Milliseconds) throws {
    try db.execute(sql: "DELETE FROM deduplications WHERE sent_at <= ?", arguments: [time])
  }
}
