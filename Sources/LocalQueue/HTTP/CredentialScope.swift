import Hummingbird

/// The region of a request, from its signature. The signature is not verified: all credentials are accepted.
struct CredentialScope {
  private(set) var region = "us-east-1"

  /// Parses `Credential=KEY/20261124/us-east-1/sqs/aws4_request` in a header or in the URL.
  init(_ request: Request) {
    if let header = request.headers[.authorization] {
      // The format is "AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…".
      let field = header.utf8.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: ",") }
        .first { $0.starts(with: "Credential=".utf8) }
      if let field { read(field.dropFirst("Credential=".utf8.count)) }
    } else if request.uri.query != nil, let credential = request.uri.queryParameters["X-Amz-Credential"] {
      read(credential.utf8[...])
    }
  }

  private mutating func read(_ credential: Substring.UTF8View) {
    let parts = credential.split(separator: UInt8(ascii: "/"))
    guard parts.count == 5, let region = String(parts[2]) else { return }
    self.region = region
  }
}
