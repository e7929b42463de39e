import Foundation
import WorkerKit

/// Prints a JSON object with a list, one element at a time, so that the list is never held in memory.
struct JSONListPrinter: Sendable {
  private var isEmpty = true

  /// Prints the start of the object.
  ///
  /// - Parameters:
  ///   - head: An object with the members before the list.
  ///   - name: The name of the list.
  /// - Throws: An ``OutputError``, as the other methods do.
  init(head: some Encodable, list name: String) throws {
    try printOut("\(TerminalText.json(try Self.line(head)).dropLast()),\n\"\(name)\":[")
  }

  mutating func add(_ elements: [some Encodable]) throws {
    guard !elements.isEmpty else { return }
    let lines = try elements.map { TerminalText.json(try Self.line($0)) }.joined(separator: ",\n")
    try printOut(isEmpty ? lines : ",\(lines)")
    isEmpty = false
  }

  /// Prints the end of the object.
  ///
  /// - Parameter tail: An object with the members after the list.
  func end(tail: some Encodable) throws {
    try printOut("],\n\(TerminalText.json(try Self.line(tail)).dropFirst())")
  }

  private static func line(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.dateEncodingStrategy = .iso8601
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }
}
