package import WorkerKit

/// A piece of the worker that runs for every message or every call, so that what it costs is what the worker costs.
///
/// Pieces go in by the doors that the worker itself uses, and name no part behind them.
package struct HotPiece: Sendable {
  /// What one run does, prepared.
  package enum Run: Sendable {
    case synchronous(@Sendable () throws -> Void)
    case asynchronous(@Sendable () async throws -> Void)
  }

  package struct Surroundings: Sendable {
    /// An empty folder for files, the caller's to remove.
    package var folder: String
    package var clock: WorkerClock

    package init(folder: String, clock: WorkerClock) {
      self.folder = folder
      self.clock = clock
    }
  }

  /// For command lines and records: `decode-receive`.
  package let name: String
  /// What one run does, for people.
  package let summary: String
  /// Makes everything that a run needs and that is not to be measured.
  package let prepare: @Sendable (Surroundings) async throws -> Run

  package static let all = [
    decodeReceive, sign, receiveCall, deleteCall, routeAndDecode, process, settle, consume, grant,
  ]
}

/// A piece that did not do what it is there for: its cost would say nothing.
struct PieceError: Error, CustomStringConvertible {
  let description: String
}

func check(_ condition: Bool, _ expectation: @autoclosure () -> String) throws {
  guard condition else { throw PieceError(description: expectation()) }
}
