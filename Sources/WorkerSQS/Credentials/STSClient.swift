import Foundation
import WorkerHTTP
import WorkerKit

/// Exchanges credentials, or a token of a trusted identity provider, for the credentials of a role.
///
/// STS uses the Query protocol: it accepts a form and returns XML.
struct STSClient: Sendable {
  /// A role, with the duration and the name of the session.
  struct Role: Sendable {
    var arn: String
    /// The session name, which CloudTrail records.
    var sessionName: String
    var externalID: String?
    var durationSeconds: Int?
  }

  private static let largestAnswer = 262_144
  private let context: CredentialsContext

  init(_ context: CredentialsContext) {
    self.context = context
  }

  /// Calls `AssumeRole`, signed with other credentials.
  func assume(_ role: Role, with credentials: Credentials) async throws -> Credentials {
    try await call("AssumeRole", role, [], signedWith: credentials)
  }

  /// Calls `AssumeRoleWithWebIdentity`. The token authenticates the request, which is not signed.
  func assume(_ role: Role, webIdentityToken token: String) async throws -> Credentials {
    try await call("AssumeRoleWithWebIdentity", role, [("WebIdentityToken", token)], signedWith: nil)
  }

  func endpoint() throws -> URL {
    let domain = CredentialsContext.domain(of: context.region)
    return try context.endpoint(of: .sts, otherwise: "https://sts.\(context.region).\(domain)/")
  }

  private func call(
    _ action: String, _ role: Role, _ parameters: [(name: String, value: String)], signedWith credentials: Credentials?
  ) async throws -> Credentials {
    var form = [(name: "RoleArn", value: role.arn), ("RoleSessionName", role.sessionName)]
    if let seconds = role.durationSeconds { form.append(("DurationSeconds", "\(seconds)")) }
    if let id = role.externalID { form.append(("ExternalId", id)) }
    let source = "STS (\(action) of \(role.arn))"
    let response = try await context.execute(
      try request(action, form + parameters, signedWith: credentials), source: source)
    let answer = Self.text(of: response)
    guard response.status == 200 else {
      let refusal = Self.refusal(in: answer)
      throw QueueError.refusal(
        by: source, status: response.status, code: refusal.code, detail: refusal.message,
        advice: Self.advice(on: refusal.code ?? "", isSigned: credentials != nil))
    }
    return try Self.credentials(in: answer, source: source)
  }

  /// Calls `GetCallerIdentity`, which returns the identity of the credentials. It requires no permission.
  ///
  /// - Throws: A ``QueueError`` with STS's code if STS rejects the request; an ``HTTPClientError`` if there is no
  ///   response.
  func identity(of credentials: Credentials) async throws -> CallerIdentity {
    let response = try await context.http.execute(try request("GetCallerIdentity", [], signedWith: credentials))
    let answer = Self.text(of: response)
    guard response.status == 200 else {
      let refusal = Self.refusal(in: answer)
      throw SQSError.make(
        code: refusal.code ?? "HTTP\(response.status)",
        message: QueueError.excerpt(refusal.message ?? "HTTP status \(response.status)"),
        operation: "GetCallerIdentity", status: response.status)
    }
    guard let arn = XMLText.element("Arn", of: answer), let account = XMLText.element("Account", of: answer) else {
      throw QueueError(
        code: .invalidResponse, kind: .unavailable,
        message: "the answer is not STS's; check AWS_ENDPOINT_URL_STS and what answers there")
    }
    return CallerIdentity(arn: arn, account: account)
  }

  private func request(
    _ action: String, _ form: [(name: String, value: String)], signedWith credentials: Credentials?
  ) throws -> HTTPClientRequest {
    let endpoint = try endpoint()
    let form = [(name: "Action", value: action), ("Version", "2011-06-15")] + form
    let body = Array(form.map { "\($0.name)=\($0.value.percentEncoded)" }.joined(separator: "&").utf8)
    var headers = [(name: "Content-Type", value: "application/x-www-form-urlencoded; charset=utf-8")]
    if let credentials {
      headers += SignatureV4(region: context.region, service: "sts").headers(
        method: "POST", path: endpoint.path(percentEncoded: true),
        headers: headers + [("Host", endpoint.hostHeader)], body: body,
        credentials: credentials, date: context.now())
    }
    return HTTPClientRequest(
      method: "POST", url: endpoint.absoluteString, headers: headers, body: body, timeout: .seconds(10))
  }

  private static func text(of response: HTTPClientResponse) -> String {
    String(decoding: response.body.prefix(largestAnswer), as: UTF8.self)
  }

  private static func refusal(in answer: String) -> (code: String?, message: String?) {
    let error = XMLText.element("Error", of: answer) ?? answer
    return (XMLText.element("Code", of: error), XMLText.element("Message", of: error))
  }

  private static func advice(on code: String, isSigned: Bool) -> String {
    guard isSigned else { return "check the role's trust policy and the token's issuer, audience and age" }
    if SQSError.refusedCredentials.contains(code) { return "renew the credentials that the role is assumed with" }
    if SQSError.clockSkew.contains(code) {
      return "check this machine's clock, and the secret of the credentials that the role is assumed with"
    }
    return "check the role's trust policy, and that the credentials it is assumed with may sts:AssumeRole"
  }

  static func credentials(in answer: String, source: String) throws -> Credentials {
    guard let element = XMLText.element("Credentials", of: answer),
      let id = XMLText.element("AccessKeyId", of: element),
      let secret = XMLText.element("SecretAccessKey", of: element),
      let token = XMLText.element("SessionToken", of: element),
      let expiration = XMLText.element("Expiration", of: element)
    else {
      throw QueueError(
        code: .credentialsUnavailable, kind: .unavailable,
        message: "the answer of \(source) is not STS's; check AWS_ENDPOINT_URL_STS and what answers there")
    }
    return try Credentials(
      accessKeyID: id, secretAccessKey: secret, sessionToken: token,
      expiration: try CredentialsDocument.date(expiration, from: source), from: source)
  }
}

/// Extracts the text of elements that do not nest. It suffices for the responses of STS, and resolves no external
/// entities.
enum XMLText {
  /// The text between the first start tag of a name and the next end tag.
  static func element(_ name: String, of xml: String) -> String? {
    var rest = xml[...]
    while let start = rest.range(of: "<\(name)") {
      rest = rest[start.upperBound...]
      guard let first = rest.first, first == ">" || first.isWhitespace, let open = rest.firstIndex(of: ">") else {
        continue
      }
      let content = rest[rest.index(after: open)...]
      guard let end = content.range(of: "</\(name)>") else { return nil }
      return unescaped(content[..<end.lowerBound].trimmingCharacters(in: .whitespacesAndNewlines))
    }
    return nil
  }

  /// Decodes the five predefined entities of XML.
  private static func unescaped(_ text: String) -> String {
    guard !text.contains("<"), text.contains("&") else { return text }
    return [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")].reduce(text) {
      $0.replacing($1.0, with: $1.1)
    }
  }
}
