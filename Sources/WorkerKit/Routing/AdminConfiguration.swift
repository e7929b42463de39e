/// Where the worker serves metrics and health: the section `admin` of `routes.yaml`.
public struct AdminConfiguration: Sendable, Hashable {
  /// A host name or an IP address of this machine. Anyone who can reach it can read the metrics and the health.
  public var host: String
  /// The port; 0 selects any free port.
  public var port: Int
  /// Who may use the console, by name. Without any, it is served on loopback alone, to everyone there.
  public var users: [String: ConsoleUser]
  /// What stands before the console and says who asks; nil where nothing does.
  public var proxy: TrustedProxy?
  /// The address of a trace, with `{traceId}` in it; nil where traces are not linked.
  public var traceLink: String?
  /// The folder that keeps discarded dead letters and the audit log.
  public var folder: String

  /// Creates a configuration.
  public init(host: String = Self.defaultHost, port: Int = Self.defaultPort) {
    self.host = host
    self.port = port
    users = [:]
    traceLink = nil
    folder = Self.defaultFolder
  }

  /// The loopback address, which only this machine can reach.
  public static let defaultHost = "127.0.0.1"
  /// The default port of OpenTelemetry's Prometheus exporters.
  public static let defaultPort = 9464
  /// The default folder, relative to the working directory.
  public static let defaultFolder = ".worker/console"

  /// Whether only this machine can reach it.
  package var isLoopback: Bool {
    // A name such as 127.example.com can mean any machine.
    ["localhost", "::1"].contains(host) || host.wholeMatch(of: /127(\.[0-9]{1,3}){3}/) != nil
  }

  enum Keys {
    static let host = ConfigurationKey(
      "host", default: defaultHost, "The address to listen on; 0.0.0.0 lets the network in.",
      check: { Address.isHost($0) ? nil : "must be an address of this machine, such as 127.0.0.1" })
    static let port = ConfigurationKey(
      "port", default: defaultPort, "The port to listen on; 0 takes any that is free.",
      check: { (0...65_535).contains($0) ? nil : "must be from 0 to 65535" })
    static let users = ConfigurationKey<[String: ConsoleUser]>(
      "users", default: [:], isSecret: true,
      """
      Who may use the console: `{ ana: { role: operator, password: "…" } }`, with a hash that `worker admin password` prints. \
      A reader may look, an operator may also act.
      """)
    static let proxy = ConfigurationKey(
      "proxy", default: TrustedProxy(),
      """
      A reverse proxy that says who asks: `{ header: X-Forwarded-User, addresses: [10.0.0.5], operators: [ana] }`. From these \
      addresses alone the header is believed; whom `operators` does not name is a reader.
      """)
    static let traceLink = ConfigurationKey(
      "traceLink", default: "",
      "The address of a trace for the console's links, such as http://localhost:16686/trace/{traceId}.",
      check: { text in
        let isLink =
          text.isEmpty
          || (Address.endpoint(text.replacing("{traceId}", with: "0")) == nil && text.contains("{traceId}"))
        return isLink ? nil : "must be an address with http:// or https:// and {traceId} in it"
      })
    static let folder = ConfigurationKey(
      "folder", default: defaultFolder,
      "The folder that keeps discarded dead letters for 14 days, and the console's audit log.",
      check: { $0.isEmpty ? "must be a folder" : nil })

    static let all: [any ConfigurationKeyProtocol] = [host, port, users, proxy, traceLink, folder]
  }

  init(values: ConfigurationValues) {
    self.init(host: values[Keys.host], port: values[Keys.port])
    users = values[Keys.users]
    proxy = values[Keys.proxy].addresses.isEmpty ? nil : values[Keys.proxy]
    traceLink = values[Keys.traceLink].isEmpty ? nil : values[Keys.traceLink]
    folder = values[Keys.folder]
  }
}

/// What someone may do in the console.
public enum ConsoleRole: String, Sendable, CaseIterable, ConfigurationValue {
  /// May look.
  case reader
  /// May also act.
  case `operator`
}

/// Someone who may use the console.
public struct ConsoleUser: Sendable, Hashable, ConfigurationValue, CustomStringConvertible {
  /// What the user may do.
  public var role: ConsoleRole
  /// As `worker admin password` prints it: `scrypt:…`.
  public var passwordHash: String

  /// Creates a user.
  public init(role: ConsoleRole, passwordHash: String) {
    self.role = role
    self.passwordHash = passwordHash
  }

  /// Without the hash.
  public var description: String { role.rawValue }

  /// How `routes.yaml` writes a user.
  public static let configurationDescription =
    #"{ role: reader, password: "…" }, with a hash that `worker admin password` prints"#
  /// The JSON Schema of a user in `routes.yaml`.
  public static let configurationSchema: JSONSchema = [
    "type": "object",
    "properties": ["role": ["enum": ["reader", "operator"]], "password": ["type": "string"]],
    "required": ["role", "password"], "additionalProperties": false,
  ]

  /// Returns nil, because a user has two parts, and a text is one.
  public init?(configurationText text: String) { nil }

  /// Reads a user.
  ///
  /// - Throws: If a key is missing or unknown, or the password is not a hash.
  public init(configuration input: ConfigurationInput) throws(ConfigurationValueError) {
    guard case .mapping(let entries) = input, Set(entries.keys) == ["role", "password"],
      case .text(let hash)? = entries["password"], let role = entries["role"], hash.hasPrefix("scrypt:")
    else { throw ConfigurationValueError("must be \(Self.configurationDescription)") }
    self.init(role: try ConsoleRole(configuration: role), passwordHash: hash)
  }
}

/// A reverse proxy whose header says who asks.
public struct TrustedProxy: Sendable, Hashable, ConfigurationValue, CustomStringConvertible {
  /// The header's name.
  public var header = ""
  /// From where the header is believed: addresses as the worker sees them.
  public var addresses: [String] = []
  /// The names that may act; others may look.
  public var operators: [String] = []

  /// Creates a proxy without addresses, which is none.
  public init() {}

  /// The header's name and the addresses.
  public var description: String { addresses.isEmpty ? "none" : "\(header) from \(addresses.joined(separator: ", "))" }

  /// How `routes.yaml` writes a proxy.
  public static let configurationDescription =
    "{ header: X-Forwarded-User, addresses: [10.0.0.5], operators: [ana] }, each address a number"
  /// The JSON Schema of a proxy in `routes.yaml`.
  public static let configurationSchema: JSONSchema = [
    "type": "object",
    "properties": [
      "header": ["type": "string"], "addresses": ["type": "array", "items": ["type": "string"]],
      "operators": ["type": "array", "items": ["type": "string"]],
    ], "required": ["header", "addresses"], "additionalProperties": false,
  ]

  /// Returns nil, because a proxy has several parts, and a text is one.
  public init?(configurationText text: String) { nil }

  /// Reads a proxy.
  ///
  /// - Throws: If a key is missing or unknown, the header is not a name, or an address is not an IP address.
  public init(configuration input: ConfigurationInput) throws(ConfigurationValueError) {
    guard case .mapping(let entries) = input,
      Set(entries.keys).isSubset(of: ["header", "addresses", "operators"]),
      case .text(let header)? = entries["header"], header.wholeMatch(of: /[A-Za-z0-9-]+/) != nil,
      let list = entries["addresses"]
    else { throw ConfigurationValueError("must be \(Self.configurationDescription)") }
    self.header = header
    addresses = try [String](configuration: list)
    operators =
      try entries["operators"].map { (input) throws(ConfigurationValueError) in try [String](configuration: input) }
      ?? []
    let isAddress: (String) -> Bool = { Address.isHost($0) && $0.contains(/^[0-9.]+$|:/) }
    guard !addresses.isEmpty, addresses.allSatisfy(isAddress) else {
      throw ConfigurationValueError("must be \(Self.configurationDescription)")
    }
  }
}
