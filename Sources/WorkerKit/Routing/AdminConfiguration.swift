/// Where metrics and health are served: the section `admin` of `routes.yaml`.
public struct AdminConfiguration: Sendable, Hashable {
  /// An address of this machine: a name or a number. Anyone who can reach it can read them.
  public var host: String
  /// 0 takes any port that is free.
  public var port: Int

  public init(host: String = Self.defaultHost, port: Int = Self.defaultPort) {
    self.host = host
    self.port = port
  }

  /// Nobody but this machine.
  public static let defaultHost = "127.0.0.1"
  /// Where OpenTelemetry's Prometheus exporters listen.
  public static let defaultPort = 9464

  enum Keys {
    static let host = ConfigurationKey(
      "host", default: defaultHost, "The address to listen on; 0.0.0.0 lets the network in.",
      check: { $0.isEmpty ? "must be an address of this machine, such as 127.0.0.1" : nil })
    static let port = ConfigurationKey(
      "port", default: defaultPort, "The port to listen on; 0 takes any that is free.",
      check: { (0...65_535).contains($0) ? nil : "must be from 0 to 65535" })

    static let all: [any ConfigurationKeyProtocol] = [host, port]
  }

  init(values: ConfigurationValues) {
    self.init(host: values[Keys.host], port: values[Keys.port])
  }
}
