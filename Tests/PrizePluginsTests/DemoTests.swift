import Foundation
import Testing
import WorkerKit

@testable import PrizePlugins

@Suite struct DemoTests {
  /// The README shows these files, and `worker dev` does what they say without them.
  @Test(arguments: [
    ("catalog.yaml", PrizePlugin.demoCatalog), ("item-awarded.json", PrizePlugin.itemAwarded),
    ("character-awarded.json", PrizePlugin.characterAwarded), ("unknown-item.json", PrizePlugin.unknownItem),
  ])
  func hasWhatTheExamplesHave(file: String, text: String) throws {
    let examples = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../../Examples")
    #expect(try String(contentsOf: examples.appending(path: file), encoding: .utf8) == text + "\n")
  }

  @Test func keepsToItsDirectory() throws {
    let routes = """
      version: 1
      queues: { prizes: { url: "http://localhost/1/prizes" } }
      plugins: { prizes: { database: "${PRIZE_DATABASE:-sqlite:/var/lib/prizes.db}" } }
      routes: { ITEM_AWARDED: { handler: prizes.item } }
      """
    func configuration(_ environment: [String: String]) throws -> ConfigurationValues {
      try RoutesFile(yaml: routes, plugins: [PrizePlugin.self], environment: environment)
        .configuration(of: PrizePlugin.self)
    }
    let inside = try configuration(PrizePlugin.demoEnvironment(in: "/home/me/.worker"))
    #expect(PrizePlugin.isDemo(inside, in: "/home/me/.worker"))
    let outside = try configuration([:])
    #expect(!PrizePlugin.isDemo(outside, in: "/home/me/.worker"))
  }

  @Test func asksTheDatabaseHowItIs() async throws {
    try await Fixture.with { (prizes) async throws in
      try await prizes.store.checkHealth()
    }
  }
}
