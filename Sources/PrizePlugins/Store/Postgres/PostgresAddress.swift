import CPostgres
import Foundation

/// Where a PostgreSQL server is and how to log in: a connection URI as libpq reads it, with its variables and files.
///
/// Nothing that prints it shows more than hosts, ports and the database's name.
struct PostgresAddress: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
  /// May hold a password.
  private let uri: String
  let description: String
  /// The name of the database, where the URI has it.
  let databaseName: String?
  /// Whether the URI has a password.
  let hasPassword: Bool

  /// nil where libpq cannot read it, or reads it as something that was surely not meant.
  init?(uri: String) {
    guard uri.hasPrefix("postgres://") || uri.hasPrefix("postgresql://"), !uri.contains("\0") else { return nil }
    // What libpq says of a URI that it cannot read quotes it, a password that was not percent-encoded included.
    guard let options = Self.options(of: uri) else { return nil }
    let hosts = (options["host"] ?? options["hostaddr"] ?? "").split(separator: ",", omittingEmptySubsequences: false)
    let ports = (options["port"] ?? "").split(separator: ",", omittingEmptySubsequences: false)
    guard ports.allSatisfy({ $0.isEmpty || UInt16($0) != nil }) else { return nil }
    // A password with a slash in it ends the host early, and becomes part of the database's name.
    guard options["dbname"]?.contains("@") != true, !hosts.contains(where: { $0.contains("@") }) else { return nil }
    self.uri = uri
    databaseName = options["dbname"]
    hasPassword = options["password"] != nil
    let names = hosts.enumerated().map { index, host in
      let port = ports.count == 1 ? ports[0] : index < ports.count ? ports[index] : ""
      let name = host.contains(":") ? "[\(host)]" : String(host)
      return port.isEmpty ? name : "\(name):\(port)"
    }
    let service = options["service"].map { "?service=\($0)" } ?? ""
    description = "postgres://\(names.joined(separator: ","))/\(databaseName ?? "")\(service)"
  }

  static func == (left: PostgresAddress, right: PostgresAddress) -> Bool { left.uri == right.uri }

  func hash(into hasher: inout Hasher) { hasher.combine(uri) }

  var customMirror: Mirror { Mirror(self, children: ["description": description]) }

  /// What libpq is given, in an order in which later ones win: what the URI leaves open has a value that suits a worker.
  var parameters: [(keyword: String, value: String)] {
    var parameters = [("fallback_application_name", "queue-worker"), ("client_encoding", "UTF8")]
    let environment = ProcessInfo.processInfo.environment
    // What a service's file says counts for less than what is given here.
    if environment["PGSERVICE"] == nil, Self.options(of: uri)?["service"] == nil {
      if environment["PGCONNECT_TIMEOUT"] == nil { parameters.append(("connect_timeout", "5")) }
      // A server that vanishes without a word is noticed by the call that waits, and by these where none does.
      parameters += [
        ("keepalives_idle", "15"), ("keepalives_interval", "5"), ("keepalives_count", "3"),
        ("tcp_user_timeout", "15000"),
      ]
    }
    return parameters + [("dbname", uri)]
  }

  /// The options that a URI sets; nil where libpq cannot read it.
  private static func options(of uri: String) -> [String: String]? {
    guard let first = PQconninfoParse(uri, nil) else { return nil }
    defer { PQconninfoFree(first) }
    var options: [String: String] = [:]
    var option = first
    while let keyword = option.pointee.keyword {
      if let value = option.pointee.val, value.pointee != 0 {
        options[String(cString: keyword)] = String(cString: value)
      }
      option += 1
    }
    return options
  }
}
