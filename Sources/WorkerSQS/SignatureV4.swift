package import Foundation
import WorkerKit
import WorkerLocks

/// AWS Signature Version 4: authenticates the sender of a request, and protects its content.
///
/// Source: AWS's "Signing AWS API requests"; tested against AWS's published vectors and botocore.
package final class SignatureV4: Sendable {
  static let algorithm = "AWS4-HMAC-SHA256"

  /// The signing key of a day. It costs four HMACs, and is cached for the day.
  private struct DerivedKey: ~Copyable {
    var secret: String
    var day: String
    var authenticator: MessageAuthenticator
  }

  let region: String
  let service: String
  private let derivedKey = Mutex<DerivedKey?>(nil)

  package init(region: String, service: String) {
    self.region = region
    self.service = service
  }

  /// The headers that authorize a request: `X-Amz-Date`, `Authorization` and, if there is a session token,
  /// `X-Amz-Security-Token`.
  ///
  /// - Parameters:
  ///   - path: The path as it is sent, percent-encoded.
  ///   - query: The names and values, not encoded.
  ///   - headers: All headers to sign, including `Host`.
  package func headers(
    method: String,
    path: String = "/",
    query: [(name: String, value: String)] = [],
    headers: [(name: String, value: String)],
    body: [UInt8],
    credentials: Credentials,
    date: Date
  ) -> [(name: String, value: String)] {
    let timestamp = Self.timestamp(date)
    let day = String(timestamp.prefix(8))
    var added = [(name: "X-Amz-Date", value: timestamp)]
    if let token = credentials.sessionToken {
      added.append(("X-Amz-Security-Token", token))
    }
    var request = Array("\(method)\n\(Self.canonicalPath(path))\n\(Self.canonicalQuery(query))\n".utf8)
    let signedNames = Self.appendHeaders(headers + added, to: &request)
    request.append(hexadecimal: Crypto.sha256(body))

    let scope = "\(day)/\(region)/\(service)/aws4_request"
    var toSign = Array("\(Self.algorithm)\n\(timestamp)\n\(scope)\n".utf8)
    toSign.append(hexadecimal: Crypto.sha256(request))
    let signature = sign(toSign, credentials, day: day).hexadecimal
    added.append(
      (
        "Authorization",
        "\(Self.algorithm) Credential=\(credentials.accessKeyID)/\(scope), "
          + "SignedHeaders=\(signedNames), Signature=\(signature)"
      ))
    return added
  }

  private func sign(_ bytes: [UInt8], _ credentials: Credentials, day: String) -> [UInt8] {
    derivedKey.withLock { kept in
      if kept?.secret != credentials.secretAccessKey || kept?.day != day {
        let key = [day, region, service, "aws4_request"].reduce(Array("AWS4\(credentials.secretAccessKey)".utf8)) {
          var authenticator = MessageAuthenticator(key: $0)
          return authenticator.code(for: Array($1.utf8))
        }
        kept = DerivedKey(
          secret: credentials.secretAccessKey, day: day, authenticator: MessageAuthenticator(key: key))
      }
      guard let code = kept?.authenticator.code(for: bytes) else { preconditionFailure("the key was derived above") }
      return code
    }
  }

  /// The path is encoded once more than it is sent, as for every service except S3.
  private static func canonicalPath(_ path: String) -> String {
    guard path != "/" else { return path }
    return path.split(separator: "/", omittingEmptySubsequences: false).map { String($0).percentEncoded }
      .joined(separator: "/")
  }

  /// Appends the headers in their canonical form, sorted by name, one on each line, followed by the names.
  ///
  /// - Returns: The names of the signed headers.
  private static func appendHeaders(_ headers: [(name: String, value: String)], to request: inout [UInt8]) -> String {
    let sorted = headers.enumerated()
      .map { (name: $0.element.name.lowercased(), place: $0.offset, value: $0.element.value) }
      .sorted { ($0.name, $0.place) < ($1.name, $1.place) }
    var names = ""
    for (index, header) in sorted.enumerated() {
      if index > 0, sorted[index - 1].name == header.name {
        request.append(UInt8(ascii: ","))
      } else {
        if index > 0 {
          request.append(UInt8(ascii: "\n"))
          names += ";"
        }
        names += header.name
        request.append(contentsOf: header.name.utf8)
        request.append(UInt8(ascii: ":"))
      }
      appendWords(of: header.value, to: &request)
    }
    request.append(contentsOf: "\n\n\(names)\n".utf8)
    return names
  }

  /// Appends a value without surrounding spaces, and with single spaces between words.
  private static func appendWords(of value: String, to request: inout [UInt8]) {
    // The fast path: most values, and all long ones, have no spaces.
    guard hasSpace(value) else { return request.append(contentsOf: value.utf8) }
    let start = request.count
    var isAfterSpace = false
    for byte in value.utf8 {
      if isSpace(byte) {
        isAfterSpace = true
      } else {
        if isAfterSpace, request.count > start { request.append(0x20) }
        isAfterSpace = false
        request.append(byte)
      }
    }
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

  private static func hasSpace(_ text: String) -> Bool {
    let bytes = text.utf8.span
    return bytes.indices.contains { isSpace(bytes[$0]) }
  }

  private static func canonicalQuery(_ query: [(name: String, value: String)]) -> String {
    query.map { (name: $0.name.percentEncoded, value: $0.value.percentEncoded) }
      .sorted { ($0.name, $0.value) < ($1.name, $1.value) }
      .map { "\($0.name)=\($0.value)" }
      .joined(separator: "&")
  }
}

extension String {
  /// The text with all characters encoded except the unreserved characters of RFC 3986.
  var percentEncoded: String {
    let digits = Array("0123456789ABCDEF".utf8)
    var result: [UInt8] = []
    for byte in utf8 {
      switch byte {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        result.append(byte)
      default: result += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}
