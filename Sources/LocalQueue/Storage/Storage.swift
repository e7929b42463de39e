import Foundation
import GRDB

/// The database, row by row. What is written becomes durable with the transaction that the caller holds.
final class Storage {
  private let db: Database
  private let insertMessage: Statement
  private let selectMessage: Statement
  private let updateHidden: Statement
  private let deleteMessage: Statement
  private let insertDeduplication: Statement
  private var lastMessage: Int64
  private var savedLastMessage: Int64

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
  }

  /// Runs a body in a transaction, and makes its writes durable.
  func transaction(_ body: () throws -> Void) throws {
    try db.inTransaction(.deferred) {
      try body()
      if lastMessage != savedLastMessage {
        try db.execute(sql: "UPDATE counters SET last_message = ?", arguments: [lastMessage])
      }
      return .commit
    }
    savedLastMessage = lastMessage
  }

  // MARK: - Messages

  func nextMessage() -> Int64 {
    lastMessage += 1
    return lastMessage
  }

  func insert(_ message: StoredMessage) throws {
    try insertMessage.execute(arguments: [
      message.id, message.queue, message.messageID, message.body, message.attributes, message.traceHeader,
      message.senderID, message.groupID, message.deduplicationID, message.sentAt, message.hiddenUntil,
      message.receivedAt, message.receiveCount, message.firstReceivedAt, message.sourceArn,
    ])
  }

  func message(_ id: Int64) throws -> StoredMessage {
    guard let row = try Row.fetchOne(selectMessage, arguments: [id]) else { throw Self.isMissing(id) }
    return Self.message(row)
  }

  private static func isMissing(_ id: Int64) -> DatabaseError {
    DatabaseError(message: "message \(id) is not in the database, and should be")
  }

  /// Goes through all messages, the oldest first, without their contents.
  func forEachMessage(_ body: (_ queue: Int64, _ id: Int64, MessageIndex.Entry) -> Void, at now: Milliseconds) throws {
    let sql = "SELECT id, queue, group_id, sent_at, hidden_until, received_at, receive_count FROM messages ORDER BY id"
    let rows = try Row.fetchCursor(db, sql: sql)
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

  /// Notes that messages are received, and returns them as they are then, in the order of the ids.
  func receive(_ ids: [Int64], at now: Milliseconds, hiddenUntil: Milliseconds) throws -> [StoredMessage] {
    guard !ids.isEmpty else { return [] }
    let places = repeatElement("?", count: ids.count).joined(separator: ",")
    let statement = try db.cachedStatement(
      sql: """
        UPDATE messages SET received_at = ?1, receive_count = receive_count + 1, hidden_until = ?2,
          first_received_at = coalesce(first_received_at, ?1) WHERE id IN (\(places)) RETURNING \(Self.columns)
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

  func delete(_ id: Int64) throws {
    try deleteMessage.execute(arguments: [id])
  }

  func deleteMessages(of queue: Int64) throws {
    try db.execute(sql: "DELETE FROM messages WHERE queue = ?", arguments: [queue])
  }

  private static func message(_ row: Row) -> StoredMessage {
    StoredMessage(
      id: row[0], queue: row[1], messageID: row[2], body: row[3], attributes: row[4], traceHeader: row[5],
      senderID: row[6], groupID: row[7], deduplicationID: row[8], sentAt: row[9], hiddenUntil: row[10],
      receivedAt: row[11], receiveCount: row[12], firstReceivedAt: row[13], sourceArn: row[14])
  }

  // MARK: - Deduplication

  func insert(_ original: Deduplication.Original, for key: String, in queue: Int64) throws {
    try insertDeduplication.execute(arguments: [
      queue, key, original.messageID, original.message, original.sentAt,
    ])
  }

  /// Goes through what is remembered, the oldest first, and forgets what is older than `time`.
  func forEachDeduplication(
    since time: Milliseconds, _ body: (_ queue: Int64, _ key: String, Deduplication.Original) -> Void
  ) throws {
    try forgetDeduplications(before: time)
    let sql = "SELECT queue, key, message_id, message, sent_at FROM deduplications ORDER BY sent_at"
    let rows = try Row.fetchCursor(db, sql: sql)
    while let row = try rows.next() {
      body(row[0], row[1], Deduplication.Original(messageID: row[2], message: row[3], sentAt: row[4]))
    }
  }

  func forgetDeduplications(before time: Milliseconds) throws {
    try db.execute(sql: "DELETE FROM deduplications WHERE sent_at <= ?", arguments: [time])
  }

  // MARK: - Queues

  func queues() throws -> [StoredQueue] {
    let sql = "SELECT id, region, name, attributes, tags, created_at, modified_at FROM queues ORDER BY region, name"
    return try Row.fetchAll(db, sql: sql).map { row in
      StoredQueue(
        id: row[0], region: row[1], name: row[2], attributes: try decode(row[3]), tags: try decode(row[4]),
        createdAt: row[5], modifiedAt: row[6])
    }
  }

  /// - Returns: its id.
  func insertQueue(
    region: String, name: String, attributes: [String: String], tags: [String: String], at now: Milliseconds
  ) throws -> Int64 {
    try db.execute(
      sql: """
        INSERT INTO queues (region, name, attributes, tags, created_at, modified_at) VALUES (?, ?, ?, ?, ?, ?)
        """, arguments: [region, name, try encode(attributes), try encode(tags), now, now])
    return db.lastInsertedRowID
  }

  func update(_ queue: Queue) throws {
    try db.execute(
      sql: "UPDATE queues SET attributes = ?, tags = ?, modified_at = ? WHERE id = ?",
      arguments: [try encode(queue.attributes.values), try encode(queue.tags), queue.modifiedAt, queue.id])
  }

  func deleteQueue(_ id: Int64) throws {
    try deleteMessages(of: id)
    try db.execute(sql: "DELETE FROM deduplications WHERE queue = ?", arguments: [id])
    try db.execute(sql: "DELETE FROM queues WHERE id = ?", arguments: [id])
  }

  private func encode(_ values: [String: String]) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(values), as: UTF8.self)
  }

  private func decode(_ text: String) throws -> [String: String] {
    try JSONDecoder().decode([String: String].self, from: Data(text.utf8))
  }

  // MARK: - Move tasks

  func moveTasks() throws -> [StoredMoveTask] {
    let sql = """
      SELECT handle, source_arn, destination_arn, messages_per_second, status, moved, total, failure_reason, started_at
      FROM move_tasks ORDER BY started_at
      """
    return try Row.fetchAll(db, sql: sql).map { row in
      StoredMoveTask(
        handle: row[0], sourceArn: row[1], destinationArn: row[2], messagesPerSecond: row[3],
        status: StoredMoveTask.Status(rawValue: row[4]) ?? .failed, moved: row[5], total: row[6],
        failureReason: row[7], startedAt: row[8])
    }
  }

  func save(_ task: StoredMoveTask) throws {
    try db.execute(
      sql: """
        INSERT OR REPLACE INTO move_tasks
          (handle, source_arn, destination_arn, messages_per_second, status, moved, total, failure_reason, started_at)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        task.handle, task.sourceArn, task.destinationArn, task.messagesPerSecond, task.status.rawValue, task.moved,
        task.total, task.failureReason, task.startedAt,
      ])
  }

  func delete(_ task: StoredMoveTask) throws {
    try db.execute(sql: "DELETE FROM move_tasks WHERE handle = ?", arguments: [task.handle])
  }
}
