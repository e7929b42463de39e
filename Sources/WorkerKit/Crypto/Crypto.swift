import COpenSSL

/// The digests of libcrypto that signatures, checksums and the names of events need.
enum Crypto {
  static func sha256(_ bytes: some Collection<UInt8>) -> [UInt8] {
    guard let digest = digest(bytes, EVP_sha256(), length: 32) else { preconditionFailure("libcrypto has no SHA-256") }
    return digest
  }

  /// nil where libcrypto refuses MD5, as under FIPS: checking it is the client's choice.
  static func md5(_ bytes: some Collection<UInt8>) -> [UInt8]? {
    digest(bytes, EVP_md5(), length: 16)
  }

  /// nil where libcrypto refuses SHA-1: it only names files of the AWS CLI's here.
  static func sha1(_ bytes: some Collection<UInt8>) -> [UInt8]? {
    digest(bytes, EVP_sha1(), length: 20)
  }

  static func hmacSHA256(key: [UInt8], _ message: some Collection<UInt8>) -> [UInt8] {
    var result = [UInt8](repeating: 0, count: 32)
    var length = result.count
    let message = Array(message)
    let done = EVP_Q_mac(
      nil, "HMAC", nil, "SHA256", nil, key, key.count, message, message.count, &result, result.count, &length)
    precondition(done != nil, "libcrypto has no HMAC-SHA256")
    return result
  }

  private static func digest(_ bytes: some Collection<UInt8>, _ type: OpaquePointer?, length: Int) -> [UInt8]? {
    var result = [UInt8](repeating: 0, count: length)
    let bytes = Array(bytes)
    return EVP_Digest(bytes, bytes.count, &result, nil, type, nil) == 1 ? result : nil
  }
}

extension Sequence<UInt8> {
  /// In lower-case hexadecimal.
  var hexadecimal: String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}
