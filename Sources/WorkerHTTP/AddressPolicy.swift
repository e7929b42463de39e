/// The addresses that a client may connect to, regardless of the host's name.
///
/// | | `any` | `privateNetwork` | `publicNetwork` |
/// |---|---|---|---|
/// | public addresses | yes | yes | yes |
/// | loopback, private networks, shared address space | yes | yes | no |
/// | link-local and multicast addresses, metadata services of clouds | yes | no | no |
///
/// The client checks the address of each connection before it opens the connection, so a later change of DNS has no
/// effect. Behind a proxy, the proxy resolves names; the client then checks only hosts that are written as addresses.
public enum AddressPolicy: Sendable {
  /// All addresses, for targets in the operator's own settings.
  case any
  /// Public and private addresses, without link-local addresses and metadata services.
  case privateNetwork
  /// Public addresses only.
  case publicNetwork

  private static let privateNetworks = networks(
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16",
    "198.18.0.0/15", "240.0.0.0/4", "::/127", "64:ff9b:1::/48", "fc00::/7", "fec0::/10")
  private static let linkLocal = networks("169.254.0.0/16", "fe80::/10")
  private static let multicast = networks("224.0.0.0/4", "255.255.255.255", "ff00::/8")
  /// Metadata services outside 169.254.0.0/16: those of Alibaba, Oracle and Azure, two of Amazon, and those of Google,
  /// Oracle and Scaleway over IPv6.
  private static let metadata = networks(
    "100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254",
    "fd00:c1::a9fe:a9fe", "fd00:42::42")

  private static func networks(_ texts: String...) -> [IPAddress.Network] {
    texts.compactMap { IPAddress.Network($0) }
  }

  /// Why an address is not allowed; nil if it is allowed.
  func problem(of address: IPAddress) -> String? {
    guard self != .any else { return nil }
    if let problem = address.embedded.lazy.compactMap(problem(of:)).first { return "\(address) is \(problem)" }
    func isAmong(_ networks: [IPAddress.Network]) -> Bool { networks.contains(where: address.isIn) }
    if isAmong(Self.linkLocal) { return "\(address), a link-local address, which is never connected to" }
    if isAmong(Self.metadata) { return "\(address), a cloud's metadata service, which is never connected to" }
    if isAmong(Self.multicast) { return "\(address), a multicast address, which is never connected to" }
    if self == .publicNetwork, isAmong(Self.privateNetworks) {
      return "\(address), an address of this machine or of a private network"
    }
    return nil
  }

  /// Why a URL's host is not allowed; nil if it is allowed, or if its name has to be resolved first. It checks hosts
  /// that are written as addresses, and names that stand for this machine.
  package func problem(ofHost host: String) -> String? {
    if let address = IPAddress(host: host) { return problem(of: address).map { "it is \($0)" } }
    let name = host.hasSuffix(".") ? host.dropLast() : host[...]
    guard self == .publicNetwork, name.lowercased() == "localhost" || name.lowercased().hasSuffix(".localhost") else {
      return nil
    }
    return "it is this machine"
  }
}
