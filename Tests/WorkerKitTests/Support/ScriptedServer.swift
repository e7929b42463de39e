import Foundation

@testable import WorkerKit

/// A real HTTP server in a process of its own, which answers as the test tells it.
final class ScriptedServer: Sendable {
  struct Answer: Encodable {
    var status = 200
    var headers: [String: String] = [:]
    var body = ""
    /// `answer`, `hold` (never answers), `cut` (closes first), `truncate` (closes half-way) or `leave` (closes after it).
    var act = "answer"
  }

  struct Request: Decodable {
    /// Which connection it came on, from 1.
    var connection: Int
    var method: String
    /// With its query.
    var path: String
    var headers: [String: String]
    var body: String
  }

  let port: Int
  private let process = Process()
  /// The server stops when this is closed, and so with the test, however that ends.
  private let input = Pipe()
  private let control: CurlClient
  private let scheme: String

  init(certificate: SelfSignedCertificate? = nil) throws {
    let output = Pipe()
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
      "scripted_server.py")
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments =
      ["python3", script.path] + (certificate.map { [$0.path, $0.keyPath] } ?? [])
    process.standardInput = input
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    guard let port = Int(line.trimmingCharacters(in: .newlines)) else { throw CocoaError(.fileReadUnknown) }
    self.port = port
    scheme = certificate == nil ? "http" : "https"
    control = CurlClient(environment: certificate.map { ["AWS_CA_BUNDLE": $0.path] } ?? [:])
  }

  deinit {
    // Not SIGTERM: a child has the signals blocked that are blocked in the thread that starts it. A server that lives on
    // can hold what another child of the test's was started with, and then nobody learns that that one has ended.
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
  }

  var url: String { "\(scheme)://\(scheme == "http" ? "127.0.0.1" : "localhost"):\(port)/" }

  /// Adds to the script.
  func answer(_ answers: Answer...) async throws {
    let body = Array(try JSONEncoder().encode(answers))
    _ = try await control.execute(HTTPRequest(method: "POST", url: url + "script", body: body))
  }

  /// The next request that came, waiting for it.
  func nextRequest() async throws -> Request {
    let response = try await control.execute(HTTPRequest(url: url + "next-request"))
    return try JSONDecoder().decode(Request.self, from: Data(response.body))
  }
}
