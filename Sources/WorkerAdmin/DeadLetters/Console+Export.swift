import Foundation
import HTTPServing
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import WorkerKit

/// Why an export is not whole.
private struct IncompleteExport: Error, CustomStringConvertible {
  let description: String
}

extension Console {
  /// Dead letters as JSON lines, as `dead-letters export` writes them.
  ///
  /// Those whose bodies the list did not keep are received in one pass. If one of them is not received, the transfer is cut off
  /// instead of ended, so that a client does not take a part for the whole.
  func export(
    _ selection: DeadLetterSelection, of inventory: DeadLetterInventory, by visitor: Visitor
  ) async throws -> Response {
    let (found, words) = try await selected(selection, of: inventory)
    let missing = Set(found.filter { $0.deadLetter == nil }.map(\.id))
    var details = ["queue": inventory.queue.name, "selection": words, "deadLetters": "\(found.count)"]
    if !missing.isEmpty { details["received"] = "\(missing.count)" }
    await audit.add(visitor.name, "export", details: details)
    let body = ResponseBody { [self, details] writer in
      do {
        // Large bodies are no work for the thread that answers health.
        try await withTaskExecutorPreference(HTTPServer.pageExecutor) {
          for deadLetter in found.compactMap(\.deadLetter) {
            try await writer.write(ByteBuffer(bytes: try Self.line(deadLetter)))
          }
          if !missing.isEmpty {
            try await inventory.inTurn { try await self.export(missing, of: inventory, to: &writer) }
          }
        }
      } catch {
        let reason = (error as? ConsoleError)?.detail ?? "\(error)"
        logger.warning("an export of dead letters was cut off", metadata: ["error": "\(reason)"])
        await audit.add(visitor.name, "export cut off", details: details.merging(["problem": reason]) { $1 })
        throw error
      }
      try await writer.finish(nil)
    }
    return Response(
      status: .ok,
      headers: Self.security.with([
        .contentType: "application/jsonl; charset=utf-8", .cacheControl: "no-store",
        .contentDisposition: "attachment; filename=\"dead-letters.jsonl\"",
      ]), body: body)
  }

  private func export(
    _ ids: Set<String>, of inventory: DeadLetterInventory, to writer: inout any ResponseBodyWriter
  ) async throws {
    var filter = DeadLetterFilter()
    filter.queue = inventory.queue.name
    filter.ids = ids
    filter.deadLetterIDs = ids
    var remaining = ids
    let visit = await DeadLetterReader(try await inventory.deadLetterQueue(), filter: filter).read { deadLetters in
      for deadLetter in deadLetters {
        remaining.remove(deadLetter.id)
        try await writer.write(ByteBuffer(bytes: try Self.line(deadLetter)))
      }
      return []
    }
    if case .failed(let error) = visit.end { throw error }
    guard remaining.isEmpty else {
      throw IncompleteExport(
        description: "\(remaining.count) are gone, or in flight elsewhere; refresh the list, and export again")
    }
  }

  private static func line(_ deadLetter: DeadLetter) throws -> Data {
    try DeadLetterRecord(deadLetter, isWhole: true).line() + Data("\n".utf8)
  }
}
