import WorkerKit

/// A page of the console: how many have entered each raffle.
extension RafflePlugin: PluginConsole {
  public static let consolePages = [ConsolePage("entrants", title: "Raffles")]

  public func consolePage(_ request: ConsolePageRequest) async throws -> ConsoleDocument {
    let counts = await raffles.counts.sorted { $0.key < $1.key }
    var document = ConsoleDocument()
    document.text(counts.isEmpty ? "Nobody has entered a raffle yet." : "Since the worker started:")
    document.table(["raffle", "entrants"], counts.map { [$0.key, "\($0.value)"] }, name: "entrants")
    return document
  }
}
