import Foundation
import WorkerKit

/// `RAFFLE_DRAWN`: a raffle has a winner.
struct RaffleDrawn: Decodable, Sendable {
  var raffleId: String
  var winner: String
}

/// Writes each announcement to a folder that another program reads.
struct AnnounceHandler: EventHandler {
  let folder: URL

  func handle(_ event: RaffleDrawn, context: HandlerContext) async throws {
    guard event.winner.hasPrefix("@") else {
      // `received` appears in the dead letter only, never in a log.
      throw EventError(
        .validation, "winner: expected a name that begins with @", field: "winner", received: event.winner)
    }
    // A redelivered event overwrites its own file.
    let file = folder.appending(path: "\(context.originalMessageID).txt")
    do {
      try Data("\(event.winner) won \(event.raffleId)\n".utf8).write(to: file, options: .atomic)
    } catch {
      throw EventError(.unavailable, "cannot write to \(folder.path); mount it", cause: error)
    }
  }
}

/// Announces winners. It depends on a folder, whose health the worker checks.
public struct AnnouncePlugin: WorkerPlugin, PluginHealth {
  public static let name = "announce"
  public static let configurationKeys: [any ConfigurationKeyProtocol] = [folder]
  /// Required, because it has no default. `check` reports a file without `plugins: { announce: { folder: … } }`.
  static let folder = ConfigurationKey<String>("folder", "The folder for announcements, such as /mnt/announcements.")

  private let folder: URL

  public static func register(in handlers: inout HandlerRegistry<AnnouncePlugin>) {
    handlers.add("post") { plugin in AnnounceHandler(folder: plugin.folder) }
  }

  public init(configuration: ConfigurationValues) {
    folder = URL(filePath: configuration[Self.folder], directoryHint: .isDirectory)
  }

  public func checkHealth() async throws {
    guard FileManager.default.isWritableFile(atPath: folder.path) else {
      throw EventError(.unavailable, "\(folder.path) does not exist or is not writable; mount it")
    }
  }
}
