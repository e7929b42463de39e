import Foundation
import WorkerHTTP
import WorkerKit

/// The role of an ECS task or an EKS pod. The platform names the endpoint in the container's environment:
/// `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` or else `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
struct ContainerCredentials: CredentialsProvider {
  /// The hosts of ECS's and EKS's endpoints, which are on this machine.
  private static let platformHosts: Set = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"]
  private static let relative = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
  private static let full = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
  private static let token = "AWS_CONTAINER_AUTHORIZATION_TOKEN"

  let name = "the container's role (\(relative), \(full))"
  private let context: CredentialsContext

  init(_ context: CredentialsContext) {
    self.context = context
  }

  func credentials() async throws -> Credentials? {
    guard let endpoint = try Self.endpoint(context) else { return nil }
    let source = "the container's endpoint \(endpoint.hostHeader)"
    var headers = [(name: "Accept", value: "application/json")]
    if let authorization = try authorization() {
      headers.append(("Authorization", authorization))
    }
    let response = try await context.execute(
      HTTPClientRequest(
        url: endpoint.absoluteString, headers: headers, timeout: .seconds(5), connectTimeout: .seconds(2),
        mayUseProxy: !Self.isNear(endpoint)),
      source: source)
    let document = CredentialsDocument(response.body)
    guard response.status == 200 else {
      throw QueueError.refusal(
        by: source, status: response.status, code: document?.code, detail: document?.message,
        advice: "check the task's or the pod's role, and \(Self.token)_FILE")
    }
    guard let document else {
      throw QueueError(
        code: .credentialsUnavailable, kind: .unavailable,
        message: "the answer of \(source) is not JSON; check \(Self.relative) or \(Self.full)")
    }
    return try document.credentials(from: source)
  }

  /// The endpoint.
  ///
  /// - Throws: If the address is not allowed for requests that return a secret.
  static func endpoint(_ context: CredentialsContext) throws -> URL? {
    if let path = try context[relative] {
      guard path.hasPrefix("/"), let url = URL(string: "http://169.254.170.2\(path)"), url.host == "169.254.170.2"
      else {
        throw QueueError.credentials("\(relative) must be a path that begins with /; unset it, or use \(full)")
      }
      return url
    }
    guard let text = try context[full] else { return nil }
    guard let url = URL(string: text), url.scheme == "https" || url.scheme == "http", url.host?.isEmpty == false else {
      throw QueueError.credentials("\(full) is no http or https address; set it to one, or unset it")
    }
    guard url.scheme == "https" || isNear(url) else {
      throw QueueError.credentials(
        "\(full) names the host \(url.host ?? "") over http, where anyone on the way could read the credentials; use "
          + "https, or a loopback address, 169.254.170.2, 169.254.170.23 or [fd00:ec2::23]")
    }
    return url
  }

  private static func isNear(_ url: URL) -> Bool {
    let host = (url.host ?? "").trimmingCharacters(in: CharacterSet(charactersIn: "[]")).lowercased()
    if platformHosts.contains(host) || host == "localhost" || host == "::1" { return true }
    // An address in 127.0.0.0/8, but not a name that starts with 127.
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
  }

  /// The token is read for every request: EKS replaces the file before the token expires.
  private func authorization() throws -> String? {
    if let file = try context["\(Self.token)_FILE"] {
      return try context.secret(inFileAt: file, namedBy: "\(Self.token)_FILE")
    }
    return try context[Self.token]
  }
}
