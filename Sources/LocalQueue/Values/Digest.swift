import COpenSSL

/// The MD5 digest in hexadecimal, which SQS clients verify for sent and received data.
func md5(_ bytes: some Collection<UInt8>) -> String { digest(bytes, EVP_md5(), length: 16) }

/// The SHA-256 digest in hexadecimal, which a FIFO queue uses as the content-based deduplication id.
func sha256(_ bytes: some Collection<UInt8>) -> String { digest(bytes, EVP_sha256(), length: 32) }

private func digest(_ bytes: some Collection<UInt8>, _ algorithm: OpaquePointer?, length: Int) -> String {
  let input = ContiguousArray(bytes)
  var digest = [UInt8](repeating: 0, count: length)
  let succeeded = input.withUnsafeBytes { input in
    EVP_Digest(input.baseAddress, input.count, &digest, nil, algorithm, nil)
  }
  precondition(succeeded == 1, "libcrypto has no MD5 or no SHA-256; SQS cannot be spoken without them")
  return String(unsafeUninitializedCapacity: 2 * length) { text in
    for (index, byte) in digest.enumerated() {
      text[2 * index] = hexDigits[Int(byte >> 4)]
      text[2 * index + 1] = hexDigits[Int(byte & 15)]
    }
    return 2 * length
  }
}

private let hexDigits = Array("0123456789abcdef".utf8)
