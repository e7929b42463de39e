import Foundation
import GRDB

/// Queues and move tasks.
extension Storage {
  func queues() throws -> [StoredQueue] {
    let sql = "SELECT id, region, name, attributes, tags, created_at, modified_at FROM queues ORDER BY region, name"
    return try Row.fetchAll(db, sql: sql).map { row in
      StoredQueue(
        id: row[0], region: row[1], name: row[2], attributes: try decode(row[3]), tags: try decode(row[4]),
        createdAt: row[5], modifiedAt: row[6])
    }
  }

  /// Inserts a queue.
  ///
  /// - Returns: The id of the queue.
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
    try deleteDeduplications(of: id)
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
