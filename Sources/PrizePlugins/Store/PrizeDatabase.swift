public import WorkerKit

/// Where prizes are kept, as `routes.yaml` writes it: `sqlite:<path>`.
///
/// | text | path |
/// |---|---|
/// | `sqlite:prizes.db` | `prizes.db`, in the working directory |
/// | `sqlite:/var/lib/worker/prizes.db` | `/var/lib/worker/prizes.db` |
/// | `sqlite:///var/lib/worker/prizes.db` | `/var/lib/worker/prizes.db` |
public struct PrizeDatabase: ConfigurationValue, Hashable, CustomStringConvertible {
  /// The database file; its folder must exist.
  public let path: String

  public static var configurationDescription: String { "sqlite:<path>, such as sqlite:prizes.db" }

  public init?(configurationText text: String) {
    let scheme = "sqlite:"
    guard text.hasPrefix(scheme) else { return nil }
    var path = text.dropFirst(scheme.count)
    if path.hasPrefix("///") {
      path = path.dropFirst(2)
    }
    guard
      !path.isEmpty,
      !path.hasPrefix("//"),  // sqlite://name reads as a host, which SQLite has not
      !path.hasPrefix(":"),  // sqlite::memory: would forget every prize
      !path.hasPrefix("file:"),  // SQLite's own URIs carry options that would go unchecked
      !path.hasSuffix("/"),
      !path.contains("\0")
    else { return nil }
    self.init(path: String(path))
  }

  init(path: String) {
    self.path = path
  }

  public var description: String { "sqlite:\(path)" }
}
