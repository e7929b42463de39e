import COpenSSL
import Foundation
import WorkerKit

/// A secret that requests are signed with, as Standard Webhooks writes it: `whsec_`, and base64 of 24 to 64 bytes.
///
/// An empty text is no secret, so that `${HOOK_SECRET_OLD:-}` can stand in a list while it is not set.
struct WebhookSecret: ConfigurationValue, Hashable {
  static let configurationDescription =
    "whsec_ and the base64 of 24 to 64 random bytes, such as `echo whsec_$(openssl rand -base64 32)` prints"

  private static let prefix = "whsec_"
  /// nil where it is empty.
  let key: [UInt8]?
  /// As it was written, without the prefix: for what must not be shown.
  let text: String

  init?(configurationText text: String) {
    guard !text.isEmpty else {
      key = nil
      self.text = ""
      return
    }
    guard text.hasPrefix(Self.prefix) else { return nil }
    let base64 = String(text.dropFirst(Self.prefix.count))
    // Some make them without the padding.
    let padding = String(repeating: "=", count: (4 - base64.utf8.count % 4) % 4)
    guard let bytes = Data(base64Encoded: base64 + padding), (24...64).contains(bytes.count) else { return nil }
    key = [UInt8](bytes)
    self.text = base64
  }

  /// What is wrong with a list of them, as "must be …"; nil where nothing is.
  static func problem(of secrets: [WebhookSecret]) -> String? {
    secrets.isEmpty || secrets.contains { $0.key != nil }
      ? nil : "must hold a secret that is not empty; to sign nothing, leave the key out"
  }

  /// `webhook-signature`: one signature for each secret, separated by spaces; nil where there are none.
  static func signature(id: String, timestamp: String, body: [UInt8], secrets: [WebhookSecret]) -> String? {
    let keys = secrets.compactMap(\.key)
    guard !keys.isEmpty else { return nil }
    let signed = Array("\(id).\(timestamp).".utf8) + body
    return keys.map { "v1,\(Data(Digest.hmac(signed, key: $0)).base64EncodedString())" }.joined(separator: " ")
  }
}

/// libcrypto's digests, as far as webhooks need them.
enum Digest {
  /// SHA-256, fetched once: in OpenSSL 3, fetching takes longer than the digest.
  ///
  /// `@unchecked Sendable` is sound: libcrypto's algorithms are immutable, and any thread may use them.
  private struct Algorithm: @unchecked Sendable {
    let pointer = EVP_MD_fetch(nil, "SHA256", nil)
  }

  private static let algorithm = Algorithm()

  static func sha256(_ bytes: [UInt8]) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    let isDone = EVP_Digest(bytes, bytes.count, &digest, nil, algorithm.pointer, nil)
    precondition(isDone == 1, "libcrypto has no SHA-256")
    return digest
  }

  /// HMAC-SHA256.
  static func hmac(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
    var code = [UInt8](repeating: 0, count: 32)
    let isDone = HMAC(EVP_sha256(), key, Int32(key.count), message, message.count, &code, nil)
    precondition(isDone != nil, "libcrypto has no HMAC-SHA256")
    return code
  }
}
