import Foundation
import Testing

@testable import PrizePlugins
@testable import WorkerKit

@Suite struct ConfigurationTests {
  @Test(arguments: [
    ("sqlite:prizes.db", "prizes.db"), ("sqlite:/data/prizes.db", "/data/prizes.db"),
    ("sqlite:///data/prizes.db", "/data/prizes.db"), ("sqlite:my prizes.db", "my prizes.db"),
  ])
  func readsAPath(_ text: String, _ path: String) throws {
    #expect(try PrizePlugin.database.read(.text(text)) as? PrizeDatabase == PrizeDatabase(path: path))
  }

  @Test(arguments: [
    "", "prizes.db", "sqlite:", "sqlite:data/", "sqlite::memory:", "sqlite://host/prizes.db", "sqlite:file:prizes.db",
    "SQLITE:prizes.db", "postgres:prizes", "host=localhost dbname=prizes", "mysql://localhost/prizes",
  ])
  func refusesWhatNamesNoDatabase(_ text: String) {
    let error = #expect(throws: ConfigurationValueError.self) { try PrizePlugin.database.read(.text(text)) }
    #expect(error?.message == "must be \(PrizeDatabase.configurationDescription)")
  }

  @Test func declaresItselfOnce() {
    #expect(PrizePlugin.name == "prizes")
    #expect(PrizePlugin.configurationKeys.map(\.name) == ["database", "keepHandledEvents"])
    #expect(PrizePlugin.configurationKeys.first?.defaultDescription == "sqlite:prizes.db")
    #expect(ConfigurationValues()[PrizePlugin.database].description == "sqlite:prizes.db")
  }

  @Test func offersItsHandlersByName() {
    var handlers = HandlerRegistry<PrizePlugin>()
    PrizePlugin.register(in: &handlers)
    #expect(handlers.registrations.map(\.name) == ["prizes.item", "prizes.character", "prizes.link"])
  }

  @Test func opensTheDatabaseThatItIsGiven() async throws {
    try await Fixture.withFolder { folder in
      var values = ConfigurationValues()
      let path = folder.appending(path: "here.db").path
      values[PrizePlugin.database] = PrizeDatabase(path: path)
      _ = try await PrizePlugin(configuration: values)
      #expect(FileManager.default.fileExists(atPath: path))
    }
  }
}
