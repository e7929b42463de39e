import Foundation
import Logging
import WorkerHTTP
import WorkerKit

/// The settings and clients that the sources of credentials share.
struct CredentialsContext: Sendable {
  let settings: AWSSettings
  /// The region of the STS endpoint.
  let region: String
  let http: CurlClient
  let logger: Logger
  /// Returns the current date.
  let now: @Sendable () -> Date
  /// The clock for timeouts.
  let clock: WorkerClock

  init(
    environment: [String: String],
    region: String? = nil,
    http: CurlClient? = nil,
    logger: Logger? = nil,
    clock: WorkerClock = .continuous,
    now: @escaping @Sendable () -> Date = { Date() }
  ) {
    settings = AWSSettings(environment: environment)
    // Settings that cannot be read are reported by the source that needs more of them than the region.
    self.region = region ?? (try? settings.region()) ?? AWSSettings.fallbackRegion
    self.http = http ?? CurlClient(environment: environment)
    self.logger = logger ?? Logger(label: "credentials")
    self.now = now
    self.clock = clock
  }

  /// The value of a variable; nil if it is unset or empty.
  subscript(_ variable: String) -> String? {
    get throws { try settings[variable] }
  }

  /// The endpoint of a service: the configured one, or the standard one.
  func endpoint(of service: AWSSettings.Service, otherwise standard: String) throws -> URL {
    if let endpoint = try settings.endpoint(of: service) { return endpoint.url }
    guard let url = URL(string: standard) else {
      throw QueueError.credentials("there is no service at `\(standard)`; check the region's name")
    }
    return url
  }

  /// The domain of AWS services in a region.
  static func domain(of region: String) -> String {
    region.hasPrefix("cn-") ? "amazonaws.com.cn" : region.hasPrefix("eusc-") ? "amazonaws.eu" : "amazonaws.com"
  }

  /// Sends a request.
  ///
  /// - Parameter source: The source for people: "STS", "the container's credentials endpoint".
  /// - Throws: A ``QueueError`` if there is no response, never an ``HTTPClientError``.
  func execute(_ request: HTTPClientRequest, source: String) async throws -> HTTPClientResponse {
    do {
      return try await http.execute(request)
    } catch let error as HTTPClientError {
      throw QueueError(code: .connection, kind: error.kind, message: "no credentials from \(source): \(error.message)")
    }
  }

  /// Reads a file that contains only a secret.
  func secret(inFileAt path: String, namedBy setting: String) throws -> String {
    let what = "the file \(path) that \(setting) names"
    guard let secret = try TextFile.read(path, as: what).settingValue(from: what) else {
      throw QueueError.credentials("\(what) is empty; it must hold the token")
    }
    return secret
  }
}

extension QueueError {
  /// An error that persists until someone changes the configuration.
  static func credentials(_ message: String) -> QueueError {
    QueueError(code: .noCredentials, kind: .unavailable, message: message)
  }

  /// The error for a service that does not return credentials. It distinguishes temporary from permanent causes.
  ///
  /// - Parameter detail: The service's message. It is untrusted, and therefore shortened.
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

  /// The first line of an untrusted text, without control characters, with at most 300 characters.
  static func excerpt(_ text: String) -> String {
    let line = text.split(whereSeparator: \.isNewline).first { !$0.allSatisfy(\.isWhitespace) } ?? ""
    let printable = line.unicodeScalars.filter { !CharacterSet.controlCharacters.contains($0) }
    let short = String(String.UnicodeScalarView(printable)).trimmingCharacters(in: .whitespaces)
    return short.count > 300 ? "\(short.prefix(300))…" : short
  }
}
