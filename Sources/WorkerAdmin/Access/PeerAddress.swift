import Foundation
import WorkerKit

/// An IP address in one form: an IPv6 address has many texts, and an IPv4 address is reported as IPv6 by a socket that serves both.
struct PeerAddress: Hashable {
  private let bytes: [UInt8]

  /// - Returns: nil unless the text is an IPv4 or IPv6 address.
  init?(_ text: String) {
    // A zone names an interface of this machine.
    let plain = String(text.prefix { $0 != "%" })
    var four = in_addr()
    var six = in6_addr()
    if inet_pton(AF_INET, plain, &four) == 1 {
      bytes = withUnsafeBytes(of: four) { Array($0) }
    } else if inet_pton(AF_INET6, plain, &six) == 1 {
      let all = withUnsafeBytes(of: six) { Array($0) }
      let isMapped = all.prefix(10).allSatisfy { $0 == 0 } && all[10] == 0xFF && all[11] == 0xFF
      bytes = isMapped ? Array(all.suffix(4)) : all
    } else {
      return nil
    }
  }
}
