import COpenSSL
import Foundation

/// The scrypt hash of a password, as `admin.users` has it: `scrypt:15:8:3:<salt>:<hash>`, which are the logarithm of the cost,
/// the block size and the parallelism, and two texts in base64.
///
/// One takes 32 MiB and about a third of a second: compute it on a thread apart, and one at a time.
package struct PasswordHash: Sendable {
  private static let standard = (log: 15, blockSize: 8, parallelism: 3)
  private static let length = 32
  /// Verified where there is no such user, so that an answer takes as long.
  package static let ofNobody = PasswordHash(
    salt: [UInt8](repeating: 0, count: 16), hash: [UInt8](repeating: 0, count: length))

  private let log: Int
  private let blockSize: Int
  private let parallelism: Int
  private let salt: [UInt8]
  private let hash: [UInt8]

  private init(salt: [UInt8], hash: [UInt8]) {
    (log, blockSize, parallelism) = Self.standard
    self.salt = salt
    self.hash = hash
  }

  /// Hashes a password with a salt of its own.
  ///
  /// - Returns: nil where libcrypto has no scrypt, as under FIPS.
  package init?(of password: String) {
    let salt = RandomToken.bytes(16)
    guard let hash = Self.scrypt(password, salt: salt, Self.standard) else { return nil }
    self.init(salt: salt, hash: hash)
  }

  /// - Returns: nil where the text is no such hash, or asks for more memory than 256 MiB.
  package init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 6, parts[0] == "scrypt", let log = Int(parts[1]), let blockSize = Int(parts[2]),
      let parallelism = Int(parts[3]), (10...18).contains(log), (1...16).contains(blockSize),
      (1...16).contains(parallelism), blockSize << log <= 1 << 21, let salt = Data(base64Encoded: String(parts[4])),
      let hash = Data(base64Encoded: String(parts[5])), salt.count >= 8, hash.count == Self.length
    else { return nil }
    (self.log, self.blockSize, self.parallelism) = (log, blockSize, parallelism)
    self.salt = Array(salt)
    self.hash = Array(hash)
  }

  package var text: String {
    "scrypt:\(log):\(blockSize):\(parallelism):\(Data(salt).base64EncodedString()):\(Data(hash).base64EncodedString())"
  }

  /// Whether a password is the one. It takes the same time for each that is not.
  package func verify(_ password: String) -> Bool {
    guard let other = Self.scrypt(password, salt: salt, (log, blockSize, parallelism)) else { return false }
    return CRYPTO_memcmp(hash, other, hash.count) == 0
  }

  private static func scrypt(
    _ password: String, salt: [UInt8], _ cost: (log: Int, blockSize: Int, parallelism: Int)
  ) -> [UInt8]? {
    var result = [UInt8](repeating: 0, count: length)
    let bytes = Array(password.utf8)
    let isDone = bytes.withUnsafeBytes { password in
      EVP_PBE_scrypt(
        password.baseAddress?.assumingMemoryBound(to: CChar.self), password.count, salt, salt.count, 1 << cost.log,
        UInt64(cost.blockSize), UInt64(cost.parallelism), 300 << 20, &result, result.count)
    }
    return isDone == 1 ? result : nil
  }
}

/// What nobody can guess.
enum RandomToken {
  static func bytes(_ count: Int) -> [UInt8] {
    var generator = SystemRandomNumberGenerator()
    return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
  }

  /// 256 bits, in characters that a URL and a cookie can hold.
  static func make() -> String {
    Data(bytes(32)).base64EncodedString()
      .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
  }

  /// Whether two texts are the same, in a time that tells nothing of where they differ.
  static func areEqual(_ first: String, _ second: String) -> Bool {
    let (first, second) = (Array(first.utf8), Array(second.utf8))
    return first.count == second.count && CRYPTO_memcmp(first, second, first.count) == 0
  }
}
