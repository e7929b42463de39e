import Hummingbird

/// Who asks and in which region, as the signature says. It is not verified: any credentials will do.
struct CredentialScope {
  private(set) var accessKey = "local"
  private(set) var region = "us-east-1"

  /// `Credential=KEY/20261124/us-east-1/sqs/aws4_request`, in a header or in the URL.
  init(_ request: Request) {
    if let header = request.headers[.authorization] {
      // "AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…"
      let field = header.utf8.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: ",") }
        .first { $0.starts(with: "Credential=".utf8) }
      if let field { read(field.dropFirst("Credential=".utf8.count)) }
    } else if request.uri.query != nil, let credential = request.uri.queryParameters["X-Amz-Credential"] {
      read(credential.utf8[...])
    }
  }

  private mutating func read(_ credential: Substring.UTF8View) {
    let parts = credential.split(separator: UInt8(ascii: "/"))
    guard parts.count == 5, let key = String(parts[0]), let region = String(parts[2]) else { return }
    accessKey = key
    self.region = region
  }
}
