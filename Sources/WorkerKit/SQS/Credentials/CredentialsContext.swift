import Foundation
import Logging

/// What the places that credentials come from have in common.
struct CredentialsContext: Sendable {
  let environment: [String: String]
  /// Whose STS is asked.
  let region: String
  let http: CurlClient
  let logger: Logger
  /// The time of day.
  let now: @Sendable () -> Date
  /// For time-outs.
  let clock: WorkerClock

  init(
    environment: [String: String],
    region: String? = nil,
    http: CurlClient? = nil,
    logger: Logger? = nil,
    clock: WorkerClock = .continuous,
    now: @escaping @Sendable () -> Date = { Date() }
  ) {
    self.environment = environment
    self.region =
      region ?? ["AWS_REGION", "AWS_DEFAULT_REGION"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
      ?? "us-east-1"
    self.http = http ?? CurlClient(environment: environment)
    self.logger = logger ?? Logger(label: "credentials")
    self.now = now
    self.clock = clock
  }

  /// A variable; nil where it is not set or empty.
  subscript(_ variable: String) -> String? {
    environment[variable].flatMap { $0.isEmpty ? nil : $0 }
  }

  var homeDirectory: String { self["HOME"] ?? NSHomeDirectory() }

  /// Where a service is, unless the environment names another place: `AWS_ENDPOINT_URL_STS`, `AWS_ENDPOINT_URL`.
  func endpoint(ofService service: String, otherwise standard: String) throws -> URL {
    for variable in ["AWS_ENDPOINT_URL_\(service)", "AWS_ENDPOINT_URL"] {
      guard let text = self[variable] else { continue }
      guard let url = URL(string: text), ["http", "https"].contains(url.scheme), url.host?.isEmpty == false else {
        throw QueueError.credentials("\(variable) must be an address such as \(standard), but it is `\(text)`")
      }
      return url
    }
    guard let url = URL(string: standard) else {
      throw QueueError.credentials("there is no service at `\(standard)`; check the region's name")
    }
    return url
  }

  /// The service's domain in a region.
  static func domain(of region: String) -> String {
    region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
  }

  /// - Parameter source: For people: "STS", "the container's credentials endpoint".
  /// - Throws: a ``QueueError`` where there is no answer, an ``HTTPError`` never.
  func execute(_ request: HTTPRequest, source: String) async throws -> HTTPResponse {
    do {
      return try await http.execute(request)
    } catch let error as HTTPError {
      throw QueueError(code: .connection, kind: error.kind, message: "no credentials from \(source): \(error.message)")
    }
  }

  /// A file that holds a secret, as it is.
  func contents(ofFileAt path: String, namedBy setting: String) throws -> String {
    do {
      return try String(contentsOfFile: path, encoding: .utf8)
    } catch {
      throw QueueError.credentials(
        "\(setting) names \(path), which cannot be read: \((error as NSError).localizedDescription); check that it "
          + "exists and its permissions")
    }
  }
}

extension QueueError {
  /// Something that stays wrong until someone sets it right.
  static func credentials(_ message: String) -> QueueError {
    QueueError(code: .noCredentials, kind: .unavailable, message: message)
  }

  /// A refusal of a service that hands out credentials. What may pass is told from what will not.
  ///
  /// - Parameter detail: The service's words, which may come from anyone: they are cut short.
  static func refusal(by source: String, status: Int, code: String? = nil, detail: String?, advice: String)
    -> QueueError
  {
    let words = [code ?? "HTTP status \(status)", detail.map(excerpt)].compactMap(\.self).joined(separator: ": ")
    let passes =
      status >= 500 || status == 429 || ["Throttling", "ThrottlingException", "IDPCommunicationError"].contains(code)
    return QueueError(
      code: passes ? .credentialsUnavailable : .noCredentials,
      kind: status == 429 || code?.hasPrefix("Throttling") == true ? .throttled : .unavailable,
      message: "no credentials from \(source), which answers \(words); \(advice)", status: status)
  }

  /// The first line of a text that came from outside, without control characters, 300 characters at most.
  static func excerpt(_ text: String) -> String {
    let line = text.split(whereSeparator: \.isNewline).first { !$0.allSatisfy(\.isWhitespace) } ?? ""
    let printable = line.unicodeScalars.filter { !CharacterSet.controlCharacters.contains($0) }
    let short = String(String.UnicodeScalarView(printable)).trimmingCharacters(in: .whitespaces)
    return short.count > 300 ? "\(short.prefix(300))…" : short
  }
}
