import COpenSSL
import WorkerLocks

/// The digests of libcrypto that signatures, checksums and cache file names need.
enum Crypto {
  /// The version of the libcrypto that this process has loaded, which may differ from the version that it was built
  /// with.
  static var libraryVersion: String { String(cString: OpenSSL_version(OPENSSL_VERSION)) }

  /// An algorithm, fetched once, with one context for all digests: in OpenSSL 3, fetching takes longer than most of the
  /// digests here, and so does making a context. A context keeps nothing of a digest for the next one.
  private final class Algorithm: Sendable {
    /// `@unchecked Sendable` is sound: libcrypto's algorithms are immutable, and the context is used under the lock only.
    private struct State: @unchecked Sendable {
      /// NULL if libcrypto does not provide the algorithm.
      let algorithm: OpaquePointer?
      let context: OpaquePointer?
    }

    private let length: Int
    private let state: Mutex<State>

    init(_ name: String, length: Int) {
      self.length = length
      // For as long as the process runs.
      state = Mutex(State(algorithm: EVP_MD_fetch(nil, name, nil), context: EVP_MD_CTX_new()))
    }

    func digest(_ bytes: some Collection<UInt8>) -> [UInt8]? {
      bytes.withContiguousStorageIfAvailable(digest) ?? Array(bytes).withUnsafeBufferPointer(digest)
    }

    private func digest(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
      state.withLock { state in
        guard let algorithm = state.algorithm, let context = state.context else { return nil }
        var result = [UInt8](repeating: 0, count: length)
        let isDone =
          EVP_DigestInit_ex2(context, algorithm, nil) == 1
          && EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1
          && EVP_DigestFinal_ex(context, &result, nil) == 1
        return isDone ? result : nil
      }
    }
  }

  private static let sha256 = Algorithm("SHA256", length: 32)
  private static let md5 = Algorithm("MD5", length: 16)
  private static let sha1 = Algorithm("SHA1", length: 20)

  static func sha256(_ bytes: some Collection<UInt8>) -> [UInt8] {
    guard let digest = sha256.digest(bytes) else { preconditionFailure("libcrypto has no SHA-256") }
    return digest
  }

  /// Returns nil if libcrypto does not provide MD5, as under FIPS. Verifying an MD5 checksum is optional for clients.
  static func md5(_ bytes: some Collection<UInt8>) -> [UInt8]? {
    md5.digest(bytes)
  }

  /// Returns nil if libcrypto does not provide SHA-1, which is used only for file names of the AWS CLI.
  static func sha1(_ bytes: some Collection<UInt8>) -> [UInt8]? {
    sha1.digest(bytes)
  }
}

/// HMAC-SHA256 with a key that is prepared for any number of messages.
///
/// `@unchecked Sendable` is sound: only `mutating` methods change the context, and it cannot be copied.
struct MessageAuthenticator: ~Copyable, @unchecked Sendable {
  /// HMAC, fetched once. It is immutable, and any thread may use it, as with the algorithms of ``Crypto``.
  private struct Algorithm: @unchecked Sendable {
    let pointer = EVP_MAC_fetch(nil, "HMAC", nil)
  }

  private static let algorithm = Algorithm()

  private let context: OpaquePointer

  init(key: [UInt8]) {
    guard let context = EVP_MAC_CTX_new(Self.algorithm.pointer) else { preconditionFailure("libcrypto has no HMAC") }
    self.context = context
    var digest = Array("SHA256".utf8CString)
    // A parameter keeps the pointers to its name and its value, so both must last until it has been used.
    let isReady = OSSL_MAC_PARAM_DIGEST.withCString { name in
      digest.withUnsafeMutableBufferPointer {
        let parameters = [OSSL_PARAM_construct_utf8_string(name, $0.baseAddress, 0), OSSL_PARAM_construct_end()]
        return EVP_MAC_init(context, key, key.count, parameters)
      }
    }
    precondition(isReady == 1, "libcrypto has no HMAC-SHA256")
  }

  deinit {
    EVP_MAC_CTX_free(context)
  }

  mutating func code(for message: [UInt8]) -> [UInt8] {
    var result = [UInt8](repeating: 0, count: 32)
    var length = 0
    // Without a key argument, the context restarts with its current key.
    let isDone =
      EVP_MAC_init(context, nil, 0, nil) == 1 && EVP_MAC_update(context, message, message.count) == 1
      && EVP_MAC_final(context, &result, &length, result.count) == 1
    precondition(isDone && length == result.count, "libcrypto has failed at HMAC-SHA256")
    return result
  }
}

extension [UInt8] {
  /// Whether the digits are the hexadecimal form of these bytes, in lower or upper case.
  func isHexadecimal(_ digits: some Collection<UInt8>) -> Bool {
    func isDigit(_ digit: UInt8?, _ value: UInt8) -> Bool {
      value < 10
        ? digit == UInt8(ascii: "0") + value
        : digit == UInt8(ascii: "a") - 10 + value || digit == UInt8(ascii: "A") - 10 + value
    }
    var digits = digits.makeIterator()
    for byte in self {
      guard isDigit(digits.next(), byte >> 4), isDigit(digits.next(), byte & 15) else { return false }
    }
    return digits.next() == nil
  }
}
