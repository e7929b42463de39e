import COpenSSL

/// The digests of libcrypto that signatures, checksums and the names of events need.
enum Crypto {
  /// An algorithm looked up once: to look it up takes OpenSSL 3 longer than most digests here.
  ///
  /// Unchecked: libcrypto's algorithms do not change, and are there for all threads.
  private struct Algorithm: @unchecked Sendable {
    /// NULL where libcrypto refuses it.
    let pointer: OpaquePointer?
    let length: Int

    init(_ name: String, length: Int) {
      pointer = EVP_MD_fetch(nil, name, nil)
      self.length = length
    }

    func digest(_ bytes: some Collection<UInt8>) -> [UInt8]? {
      guard let pointer else { return nil }
      var result = [UInt8](repeating: 0, count: length)
      let done =
        bytes.withContiguousStorageIfAvailable { EVP_Digest($0.baseAddress, $0.count, &result, nil, pointer, nil) }
        ?? Array(bytes).withUnsafeBytes { EVP_Digest($0.baseAddress, $0.count, &result, nil, pointer, nil) }
      return done == 1 ? result : nil
    }
  }

  private static let sha256 = Algorithm("SHA256", length: 32)
  private static let md5 = Algorithm("MD5", length: 16)
  private static let sha1 = Algorithm("SHA1", length: 20)

  static func sha256(_ bytes: some Collection<UInt8>) -> [UInt8] {
    guard let digest = sha256.digest(bytes) else { preconditionFailure("libcrypto has no SHA-256") }
    return digest
  }

  /// nil where libcrypto refuses MD5, as under FIPS: checking it is the client's choice.
  static func md5(_ bytes: some Collection<UInt8>) -> [UInt8]? {
    md5.digest(bytes)
  }

  /// nil where libcrypto refuses SHA-1: it only names files of the AWS CLI's here.
  static func sha1(_ bytes: some Collection<UInt8>) -> [UInt8]? {
    sha1.digest(bytes)
  }
}

/// HMAC-SHA256 with a key that is kept ready for the next message.
///
/// Unchecked: the context is changed by `mutating` methods alone, and nothing can copy it.
struct MessageAuthenticator: ~Copyable, @unchecked Sendable {
  /// HMAC, looked up once; immutable and there for all threads, as ``Crypto``'s are.
  private struct Algorithm: @unchecked Sendable {
    let pointer = EVP_MAC_fetch(nil, "HMAC", nil)
  }

  private static let algorithm = Algorithm()

  private let context: OpaquePointer

  init(key: [UInt8]) {
    guard let context = EVP_MAC_CTX_new(Self.algorithm.pointer) else { preconditionFailure("libcrypto has no HMAC") }
    self.context = context
    var digest = Array("SHA256".utf8CString)
    let isReady = digest.withUnsafeMutableBufferPointer {
      let parameters = [
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, $0.baseAddress, 0), OSSL_PARAM_construct_end(),
      ]
      return EVP_MAC_init(context, key, key.count, parameters)
    }
    precondition(isReady == 1, "libcrypto has no HMAC-SHA256")
  }

  deinit {
    EVP_MAC_CTX_free(context)
  }

  mutating func code(for message: [UInt8]) -> [UInt8] {
    var result = [UInt8](repeating: 0, count: 32)
    var length = 0
    // Without a key it starts anew with the one that it has.
    let isDone =
      EVP_MAC_init(context, nil, 0, nil) == 1 && EVP_MAC_update(context, message, message.count) == 1
      && EVP_MAC_final(context, &result, &length, result.count) == 1
    precondition(isDone && length == result.count, "libcrypto has failed at HMAC-SHA256")
    return result
  }
}

extension Sequence<UInt8> {
  /// In lower-case hexadecimal.
  var hexadecimal: String {
    var digits: [UInt8] = []
    digits.append(hexadecimal: self)
    return String(decoding: digits, as: UTF8.self)
  }
}

extension [UInt8] {
  /// Appends bytes in lower-case hexadecimal.
  mutating func append(hexadecimal bytes: some Sequence<UInt8>) {
    reserveCapacity(count + 2 * bytes.underestimatedCount)
    func digit(_ value: UInt8) -> UInt8 { value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") - 10 + value }
    for byte in bytes {
      append(digit(byte >> 4))
      append(digit(byte & 15))
    }
  }
}

extension [UInt8] {
  /// Whether digits are the hexadecimal of these bytes, in lower or upper case.
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
