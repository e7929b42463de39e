import Foundation

/// The role of an ECS task or an EKS pod, from the endpoint that the platform names in the container's environment:
/// `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI`, else `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
struct ContainerCredentials: CredentialsProvider {
  /// Where ECS and EKS have their endpoints; they are as near as this machine itself.
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
      HTTPRequest(
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
        message:
          "the answer of \(source) is not JSON; check \(context[Self.relative] == nil ? Self.full : Self.relative)")
    }
    return try document.credentials(from: source)
  }

  /// - Throws: where it is an address that a secret must not be fetched from.
  static func endpoint(_ context: CredentialsContext) throws -> URL? {
    if let path = context[relative] {
      guard path.hasPrefix("/"), let url = URL(string: "http://169.254.170.2\(path)"), url.host == "169.254.170.2"
      else {
        throw QueueError.credentials("\(relative) must be a path that begins with /; unset it, or use \(full)")
      }
      return url
    }
    guard let text = context[full] else { return nil }
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
    // 127.0.0.0/8, and no name that begins alike.
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
  }

  /// Read anew each time: EKS replaces the file before its token expires.
  private func authorization() throws -> String? {
    let value: String
    let origin: String
    if let file = context["\(Self.token)_FILE"] {
      value = try context.contents(ofFileAt: file, namedBy: "\(Self.token)_FILE")
      origin = "the file that \(Self.token)_FILE names"
    } else if let token = context[Self.token] {
      value = token
      origin = Self.token
    } else {
      return nil
    }
    // A line break would begin a header of someone else's.
    guard !value.unicodeScalars.contains(where: { $0 == "\r" || $0 == "\n" || $0 == "\0" }) else {
      throw QueueError.credentials("\(origin) holds a line break, which a token cannot; write the token alone into it")
    }
    guard !value.isEmpty else {
      throw QueueError.credentials("\(origin) is empty; it must hold the token")
    }
    return value
  }
}
