import Foundation
import Logging
import WorkerHTTP
import WorkerKit
import WorkerLocks

/// The role of an EC2 instance, from its metadata service, version 2. The requests are PUT for a token, then GET for
/// the role's name and for its credentials.
///
/// Outside EC2 nothing responds, which takes at most one second to detect. `AWS_EC2_METADATA_DISABLED=true` skips the
/// requests; `AWS_EC2_METADATA_SERVICE_ENDPOINT` and `AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE` set another address.
final class InstanceMetadataCredentials: CredentialsProvider {
  private struct Token {
    var value: String
    var expiration: Date
  }

  /// The service has no credentials for this worker.
  private struct NothingHere: Error {}

  private static let roles = "/latest/meta-data/iam/security-credentials/"
  private static let tokenLifetime = 21_600

  private let context: CredentialsContext
  private let token = Mutex<Token?>(nil)

  init(_ context: CredentialsContext) {
    self.context = context
  }

  private var isDisabled: Bool { (try? context["AWS_EC2_METADATA_DISABLED"])?.lowercased() == "true" }

  var name: String {
    isDisabled
      ? "the instance's metadata service (which AWS_EC2_METADATA_DISABLED switches off)"
      : "the instance's metadata service"
  }

  func credentials() async throws -> Credentials? {
    guard !isDisabled else { return nil }
    let endpoint = try endpoint()
    do {
      let listing = try await get(Self.roles, endpoint)
      guard
        let role = try listing.split(whereSeparator: \.isNewline).first
          .flatMap({ try String($0).settingValue(from: "the role's name from \(source(endpoint))") })
      else { return nil }
      let answer = try await get(Self.roles + role.percentEncoded, endpoint)
      return try credentials(in: answer, role: role, source(endpoint))
    } catch is NothingHere {
      return nil
    }
  }

  private func endpoint() throws -> String {
    if let text = try context["AWS_EC2_METADATA_SERVICE_ENDPOINT"] {
      guard let url = URL(string: text), ["http", "https"].contains(url.scheme), url.host?.isEmpty == false else {
        throw QueueError.credentials(
          "AWS_EC2_METADATA_SERVICE_ENDPOINT must be an address such as http://169.254.169.254, but it is `\(text)`")
      }
      return text.hasSuffix("/") ? String(text.dropLast()) : text
    }
    let mode = try context["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"] ?? "IPv4"
    switch mode.lowercased() {
    case "ipv4": return "http://169.254.169.254"
    case "ipv6": return "http://[fd00:ec2::254]"
    default:
      throw QueueError.credentials("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE must be IPv4 or IPv6, but it is `\(mode)`")
    }
  }

  private func source(_ endpoint: String) -> String { "the instance's metadata service at \(endpoint)" }

  private func credentials(in answer: String, role: String, _ source: String) throws -> Credentials {
    guard let document = CredentialsDocument(answer.utf8) else {
      throw QueueError(
        code: .credentialsUnavailable, kind: .unavailable,
        message: "the answer of \(source) is not JSON; check AWS_EC2_METADATA_SERVICE_ENDPOINT and what answers there")
    }
    if let code = document.code, code != "Success" {
      throw QueueError.refusal(
        by: source, status: 500, code: code, detail: document.message,
        advice: "check the trust policy of the role \(role), and that it still exists")
    }
    var credentials = try document.credentials(from: source)
    if let expiration = credentials.expiration, expiration <= context.now() {
      // As AWS's SDKs do: if the metadata service is late, AWS continues to accept the expired credentials.
      let extended = context.now().addingTimeInterval(.random(in: 600...900))
      context.logger.warning(
        "the instance metadata service returned expired credentials; they stay in use and are renewed soon",
        metadata: ["expired": "\(expiration)", "usedUntil": "\(extended)"])
      credentials.expiration = extended
    }
    return credentials
  }

  private func get(_ path: String, _ endpoint: String) async throws -> String {
    var isTokenNew = false
    while true {
      let current = token.withLock { $0 }
      let value: String
      if let current, current.expiration > context.now() {
        value = current.value
      } else {
        value = try await fetchToken(endpoint)
        isTokenNew = true
      }
      let response = try await send(
        HTTPClientRequest(url: endpoint + path, headers: [("X-aws-ec2-metadata-token", value)]), endpoint)
      switch response.status {
      case 200: return String(decoding: response.body, as: UTF8.self)
      case 401 where !isTokenNew:
        token.withLock { $0 = nil }
      // The instance has no role.
      case 404: throw NothingHere()
      case let status:
        throw QueueError.refusal(
          by: source(endpoint), status: status, detail: nil, advice: "check the instance's metadata options")
      }
    }
  }

  private func fetchToken(_ endpoint: String) async throws -> String {
    let asked = context.now()
    let response = try await send(
      HTTPClientRequest(
        method: "PUT", url: "\(endpoint)/latest/api/token",
        headers: [("X-aws-ec2-metadata-token-ttl-seconds", "\(Self.tokenLifetime)")]), endpoint)
    switch response.status {
    case 200: break
    // The service is disabled, or belongs to another cloud.
    case 403, 404, 405: throw NothingHere()
    case let status:
      throw QueueError.refusal(
        by: source(endpoint), status: status, detail: nil, advice: "check the instance's metadata options")
    }
    let value = String(decoding: response.body, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    guard !value.isEmpty, value.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { throw NothingHere() }
    let lifetime =
      response[header: "X-aws-ec2-metadata-token-ttl-seconds"].flatMap(Int.init) ?? Self.tokenLifetime
    // A minute less than its lifetime, so that it does not expire in transit.
    let expiration = asked.addingTimeInterval(TimeInterval(lifetime - 60))
    token.withLock { $0 = Token(value: value, expiration: expiration) }
    return value
  }

  /// Sends a request to the metadata service.
  ///
  /// - Throws: ``NothingHere`` if nothing responds.
  private func send(_ request: HTTPClientRequest, _ endpoint: String) async throws -> HTTPClientResponse {
    var request = request
    request.timeout = .seconds(2)
    request.connectTimeout = .seconds(1)
    request.mayUseProxy = false
    do {
      return try await context.http.execute(request)
    } catch let error as HTTPClientError where [.notConnected, .nameNotResolved].contains(error.code) {
      throw NothingHere()
    } catch let error as HTTPClientError {
      let hint =
        error.code == .timeout && request.method == "PUT"
        ? "; in a container the instance's hop limit must be 2 (aws ec2 modify-instance-metadata-options "
          + "--http-put-response-hop-limit 2), and away from EC2 set AWS_EC2_METADATA_DISABLED=true" : ""
      throw QueueError(
        code: .connection, kind: error.kind,
        message: "no credentials from \(source(endpoint)): \(error.message)\(hint)")
    }
  }
}
