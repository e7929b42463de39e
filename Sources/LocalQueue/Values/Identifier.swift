import COpenSSL
import Foundation

/// Returns a random UUID in lower case. It uses libcrypto's generator, because Foundation's opens a file for each UUID.
func newIdentifier() -> String {
  var bytes = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)).uuid
  withUnsafeMutableBytes(of: &bytes) { bytes in
    let succeeded = RAND_bytes(bytes.bindMemory(to: UInt8.self).baseAddress, Int32(bytes.count))
    precondition(succeeded == 1, "libcrypto has no random numbers")
    // Version 4, variant 1. Source: RFC 9562, section 5.4.
    bytes[6] = bytes[6] & 0x0F | 0x40
    bytes[8] = bytes[8] & 0x3F | 0x80
  }
  return UUID(uuid: bytes).uuidString.lowercased()
}
