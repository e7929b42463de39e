package import Foundation

/// AWS Signature Version 4: proves who sent a request, and that it came as it was sent.
///
/// Source: AWS's "Signing AWS API requests"; tested against AWS's published vectors and botocore.
package final class SignatureV4: Sendable {
  static let algorithm = "AWS4-HMAC-SHA256"

  /// The day's key, which costs four HMACs and is kept for the day.
  private struct DerivedKey: ~Copyable {
    var secret: String
    var day: String
    var authenticator: MessageAuthenticator
  }

  let region: String
  let service: String
  private let derivedKey = Locked<DerivedKey?>(nil)

  package init(region: String, service: String) {
    self.region = region
    self.service = service
  }

  /// The headers that authorize a request: `X-Amz-Date`, `X-Amz-Security-Token` where there is a token, and
  /// `Authorization`.
  ///
  /// - Parameters:
  ///   - path: As it is sent, percent-encoded.
  ///   - query: Names and values, not encoded.
  ///   - headers: All that are to be signed, `Host` included.
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
    var request = Array("\(method)\n\(path)\n\(Self.canonicalQuery(query))\n".utf8)
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

  /// Appends the headers as they are signed, by their names, and the names, each on a line.
  ///
  /// - Returns: the names.
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

  /// Without space at the ends, and with one between words.
  private static func appendWords(of value: String, to request: inout [UInt8]) {
    let start = request.count
    var isAfterSpace = false
    for byte in value.utf8 {
      if byte == 0x20 || (0x09...0x0D).contains(byte) {
        isAfterSpace = true
      } else {
        if isAfterSpace, request.count > start { request.append(0x20) }
        isAfterSpace = false
        request.append(byte)
      }
    }
  }

  private static func canonicalQuery(_ query: [(name: String, value: String)]) -> String {
    query.map { (name: $0.name.percentEncoded, value: $0.value.percentEncoded) }
      .sorted { ($0.name, $0.value) < ($1.name, $1.value) }
      .map { "\($0.name)=\($0.value)" }
      .joined(separator: "&")
  }
}

extension String {
  /// Everything but RFC 3986's unreserved characters is encoded.
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
