import CPostgres
public import WorkerKit

extension PrizePlugin: PluginLibraries {
  public static var libraries: [String] {
    let version = PQlibVersion()
    return ["libpq \(version / 10_000).\(version % 10_000)"]
  }
}
