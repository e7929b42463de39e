import Foundation
import TestSupport
import Testing
import WorkerKit

@testable import WorkerSQS

@Suite("Signature Version 4")
struct SignatureV4Tests {
  struct Vector: Sendable, CustomTestStringConvertible {
    var name: String
    var method = "GET"
    var path = "/"
    var query: [(String, String)] = []
    var headers: [(String, String)] = []
    var body = ""
    var token: String?
    var signed: String
    var signature: String

    var testDescription: String { name }
  }

  static let unreserved = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
  static let token = """
    AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthA\
    x7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9\
    q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==
    """

  /// AWS's own test suite for Signature Version 4.
  static let vectors = [
    Vector(
      name: "get-vanilla", signed: "host;x-amz-date",
      signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    Vector(
      name: "get-vanilla-query-order-key-case", query: [("Param2", "value2"), ("Param1", "value1")],
      signed: "host;x-amz-date", signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
    Vector(
      name: "get-vanilla-query-unreserved", query: [(unreserved, unreserved)], signed: "host;x-amz-date",
      signature: "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"),
    Vector(
      name: "get-utf8", path: "/ሴ", signed: "host;x-amz-date",
      signature: "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
    Vector(
      name: "get-header-value-trim", headers: [("My-Header1", " value1"), ("My-Header2", #" "a   b   c""#)],
      signed: "host;my-header1;my-header2;x-amz-date",
      signature: "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"),
    Vector(
      name: "post-vanilla", method: "POST", signed: "host;x-amz-date",
      signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    Vector(
      name: "post-header-key-sort", method: "POST", headers: [("My-Header1", "value1")],
      signed: "host;my-header1;x-amz-date",
      signature: "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"),
    Vector(
      name: "post-x-www-form-urlencoded", method: "POST",
      headers: [("Content-Type", "application/x-www-form-urlencoded")], body: "Param1=value1",
      signed: "content-type;host;x-amz-date",
      signature: "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"),
    Vector(
      name: "post-sts-header-before", method: "POST", token: token, signed: "host;x-amz-date;x-amz-security-token",
      signature: "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"),
  ]

  static let key = Credentials(accessKeyID: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")

  @Test("AWS's published vectors", arguments: vectors)
  func publishedVectors(_ vector: Vector) throws {
    var credentials = Self.key
    credentials.sessionToken = vector.token
    let headers = SignatureV4(region: "us-east-1", service: "service").headers(
      method: vector.method, path: vector.path, query: vector.query.map { (name: $0.0, value: $0.1) },
      headers: [("Host", "example.amazonaws.com")] + vector.headers.map { (name: $0.0, value: $0.1) },
      body: Array(vector.body.utf8), credentials: credentials,
      date: try Date("2015-08-30T12:36:00Z", strategy: .iso8601))
    let authorization = headers.first { $0.name == "Authorization" }?.value
    #expect(
      authorization
        == "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        + "SignedHeaders=\(vector.signed), Signature=\(vector.signature)")
  }

  struct BotocoreCase: Decodable {
    var region, host, path, operation, body, date, authorization: String
    var token: String?
  }

  @Test("botocore signs the same SQS requests alike")
  func botocore() throws {
    let url = try #require(Bundle.module.url(forResource: "botocore-signatures", withExtension: "json"))
    let cases = try JSONDecoder().decode([BotocoreCase].self, from: Data(contentsOf: url))
    #expect(cases.count == 6)
    for each in cases {
      var credentials = Self.key
      credentials.sessionToken = each.token
      let headers = SignatureV4(region: each.region, service: "sqs").headers(
        method: "POST", path: each.path,
        headers: [
          ("Content-Type", "application/x-amz-json-1.0"), ("X-Amz-Target", "AmazonSQS.\(each.operation)"),
          ("Host", each.host),
        ], body: Array(each.body.utf8), credentials: credentials,
        date: try Date("2026-08-30T12:36:00Z", strategy: .iso8601))
      #expect(headers.first { $0.name == "X-Amz-Date" }?.value == each.date)
      #expect(headers.first { $0.name == "Authorization" }?.value == each.authorization)
    }
  }

  @Test("a key that is kept for a day is not used on the next, nor for other credentials")
  func cachedKey() throws {
    let signer = SignatureV4(region: "us-east-1", service: "sqs")
    func authorization(_ signer: SignatureV4, _ secret: String, _ date: String) throws -> String? {
      signer.headers(
        method: "POST", headers: [("Host", "h")], body: [],
        credentials: Credentials(accessKeyID: "A", secretAccessKey: secret),
        date: try Date(date, strategy: .iso8601)
      ).first { $0.name == "Authorization" }?.value
    }
    for (secret, date) in [
      ("one", "2026-01-01T00:00:00Z"), ("one", "2026-01-02T00:00:00Z"), ("two", "2026-01-02T00:00:00Z"),
    ] {
      let fresh = SignatureV4(region: "us-east-1", service: "sqs")
      #expect(try authorization(signer, secret, date) == (try authorization(fresh, secret, date)))
    }
  }

  @Test("a time of day is spelled as Foundation spells it, to the year 9999")
  func timestamps() {
    let format = Date.VerbatimFormatStyle(
      format: """
        \(year: .padded(4))\(month: .twoDigits)\(day: .twoDigits)T\
        \(hour: .twoDigits(clock: .twentyFourHour, hourCycle: .zeroBased))\(minute: .twoDigits)\(second: .twoDigits)Z
        """,
      locale: Locale(identifier: "en_US_POSIX"), timeZone: .gmt, calendar: Calendar(identifier: .gregorian))
    let seed = SeededGenerator.drawnSeed
    var random = SeededGenerator(seed: seed)
    let last = 253_402_300_799.0
    // The ends of days, months, years and leap days, and whatever lies between.
    let edges = [0, 86_399, 86_400, 951_782_399, 951_782_400, 951_868_799, 4_107_542_399, 4_107_542_400, last]
    for seconds in edges + (0..<2000).map({ _ in Double.random(in: 0...last, using: &random) }) {
      let date = Date(timeIntervalSince1970: seconds)
      #expect(SignatureV4.timestamp(date) == date.formatted(format), "seed \(seed)")
    }
    #expect(SignatureV4.timestamp(.distantPast) == "19700101T000000Z")
    #expect(SignatureV4.timestamp(Date(timeIntervalSince1970: last + 1)) == "99991231T235959Z")
  }

  @Test("headers of one name are signed as one, their values in order; space counts once, and not at the ends")
  func canonicalHeaders() {
    func authorization(_ headers: [(name: String, value: String)]) -> String? {
      SignatureV4(region: "us-east-1", service: "sqs").headers(
        method: "POST", headers: headers, body: [], credentials: Self.key, date: Date(timeIntervalSince1970: 0)
      ).last?.value
    }
    #expect(
      authorization([("B", "\t one\r\n  two "), ("A", ""), ("b", "three")])
        == authorization([("a", " "), ("b", "one two,three")]))
    #expect(authorization([("b", "three"), ("b", "one")]) != authorization([("b", "one"), ("b", "three")]))
  }

  @Test("printing credentials shows no secret")
  func redacted() {
    let credentials = Credentials(accessKeyID: "AKID", secretAccessKey: "hush", sessionToken: "hush")
    var dumped = ""
    dump(credentials, to: &dumped)
    for text in ["\(credentials)", String(reflecting: credentials), dumped] {
      #expect(text.contains("AKID"))
      #expect(!text.contains("hush"))
    }
  }
}
