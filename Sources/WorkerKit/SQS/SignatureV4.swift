package import Foundation

/// AWS Signature Version 4: proves who sent a request, and that it came as it was sent.
///
/// Source: AWS's "Signing AWS API requests"; tested against AWS's published vectors and botocore.
package struct SignatureV4: Sendable {
  static let algorithm = "AWS4-HMAC-SHA256"

  private struct DerivedKey {
    var secret: String
    var day: String
    var bytes: [UInt8]
  }

  let region: String
  let service: String
  /// A day's key costs four HMACs, so it is kept for the day.
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
    let canonical = Self.canonicalHeaders(headers + added)
    let signedNames = canonical.map(\.name).joined(separator: ";")
    let request = [
      method, path, Self.canonicalQuery(query),
      canonical.map { "\($0.name):\($0.value)\n" }.joined(), signedNames, Crypto.sha256(body).hexadecimal,
    ].joined(separator: "\n")
    let scope = "\(day)/\(region)/\(service)/aws4_request"
    let toSign = [Self.algorithm, timestamp, scope, Crypto.sha256(request.utf8).hexadecimal].joined(separator: "\n")
    let signature = Crypto.hmacSHA256(key: key(for: credentials, day: day), toSign.utf8).hexadecimal
    added.append(
      (
        "Authorization",
        "\(Self.algorithm) Credential=\(credentials.accessKeyID)/\(scope), "
          + "SignedHeaders=\(signedNames), Signature=\(signature)"
      ))
    return added
  }

  /// `20150830T123600Z`
  static func timestamp(_ date: Date) -> String {
    let format = Date.VerbatimFormatStyle(
      format: """
        \(year: .padded(4))\(month: .twoDigits)\(day: .twoDigits)T\
        \(hour: .twoDigits(clock: .twentyFourHour, hourCycle: .zeroBased))\(minute: .twoDigits)\(second: .twoDigits)Z
        """,
      locale: Locale(identifier: "en_US_POSIX"), timeZone: .gmt, calendar: Calendar(identifier: .gregorian))
    return date.formatted(format)
  }

  private func key(for credentials: Credentials, day: String) -> [UInt8] {
    derivedKey.withLock { cached in
      if let cached, cached.secret == credentials.secretAccessKey, cached.day == day { return cached.bytes }
      let bytes = [day, region, service, "aws4_request"].reduce(Array("AWS4\(credentials.secretAccessKey)".utf8)) {
        Crypto.hmacSHA256(key: $0, $1.utf8)
      }
      cached = DerivedKey(secret: credentials.secretAccessKey, day: day, bytes: bytes)
      return bytes
    }
  }

  private static func canonicalHeaders(
    _ headers: [(name: String, value: String)]
  ) -> [(name: String, value: String)] {
    var values: [String: [String]] = [:]
    for header in headers {
      let words = header.value.split(whereSeparator: \.isWhitespace)
      values[header.name.lowercased(), default: []].append(words.joined(separator: " "))
    }
    return values.sorted { $0.key < $1.key }.map { ($0.key, $0.value.joined(separator: ",")) }
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
    let unreserved = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~".utf8)
    return utf8.map {
      unreserved.contains($0) ? String(UnicodeScalar($0)) : "%" + [$0].hexadecimal.uppercased()
    }.joined()
  }
}
