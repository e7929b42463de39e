import Foundation
import Testing
import WorkerKit
import WorkerTesting

@testable import RafflePlugin

@Suite struct RafflePluginTests {
  let handler = EnterHandler(raffles: Raffles(limit: 1))

  func entry(_ user: String) -> String {
    #"{"eventType":"RAFFLE_ENTERED","raffleId":"r1","discordUserId":"\#(user)"}"#
  }

  @Test func theSameEntryDeliveredTwiceIsOne() async throws {
    try await deliver(entry("1"), to: handler)
    try await deliver(entry("1"), to: handler, receiveCount: 2)
  }

  @Test func aFullRaffleIsAConflict() async throws {
    try await deliver(entry("1"), to: handler)
    await #expect {
      try await deliver(entry("2"), to: handler)
    } throws: {
      ($0 as? EventError)?.kind == .conflict
    }
  }

  @Test func aMissingFieldIsNamed() async throws {
    await #expect {
      try await deliver(#"{"eventType":"RAFFLE_ENTERED","raffleId":"r1"}"#, to: handler)
    } throws: {
      ($0 as? EventError)?.field == "discordUserId"
    }
  }

  @Test func theConsoleShowsHowManyHaveEntered() async throws {
    let plugin = RafflePlugin(configuration: ConfigurationValues())
    try await deliver(entry("1"), to: EnterHandler(raffles: plugin.raffles))
    let page = try await plugin.consolePage(ConsolePageRequest(page: "entrants"))
    let tables = page.blocks.compactMap { if case .table(let table) = $0 { table.rows } else { nil } }
    #expect(tables == [[["r1", "1"]]])
  }

  @Test func theRoutesFileIsRight() throws {
    let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../..")
    let file = try RoutesFile(
      path: package.appendingPathComponent("routes.yaml").path, plugins: [RafflePlugin.self],
      environment: ["AWS_SQS_QUEUE_URL": "http://localhost:4566/000000000000/raffles"])
    #expect(file.routes.map(\.handlerName) == ["raffle.enter"])
  }

  @Test func aFolderThatIsAwayIsAnOutage() async throws {
    let folder = URL.temporaryDirectory.appending(path: UUID().uuidString)
    let handler = AnnounceHandler(folder: folder)
    let drawn = #"{"eventType":"RAFFLE_DRAWN","raffleId":"r1","winner":"@mira"}"#
    await #expect {
      try await deliver(drawn, to: handler)
    } throws: {
      ($0 as? EventError)?.kind == .unavailable
    }
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try await deliver(drawn, to: handler)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 1)
  }
}
