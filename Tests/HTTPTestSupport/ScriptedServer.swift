import Foundation
import TestSupport
import WorkerHTTP

/// A real HTTP server in a process of its own, which answers as the test tells it.
package final class ScriptedServer: Sendable {
  package struct Answer: Encodable, Sendable {
    package var status: Int
    package var headers: [String: String]
    package var body: String
    /// `answer`, `hold` (never answers), `cut` (closes first), `truncate` (closes half-way), `leave` (closes after it) or
    /// `wait` (answers by the next script to come).
    package var act: String

    package init(status: Int = 200, headers: [String: String] = [:], body: String = "", act: String = "answer") {
      self.status = status
      self.headers = headers
      self.body = body
      self.act = act
    }
  }

  package struct Request: Decodable, Sendable {
    /// Which connection it came on, from 1.
    package var connection: Int
    /// Whether that connection resumed a TLS session.
    package var isSessionResumed: Bool
    package var method: String
    /// With its query.
    package var path: String
    package var headers: [String: String]
    package var body: String
  }

  package let port: Int
  private let process: pid_t
  /// The server stops when this is closed, and so with the test, however that ends.
  private let input: FileHandle
  /// Without a reader, the server would end at what it still writes.
  private let output: FileHandle
  private let control: CurlClient
  private let scheme: String

  package init(certificate: SelfSignedCertificate? = nil) throws {
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
      "scripted_server.py")
    let (input, output) = (Pipe(), Pipe())
    process = try startProcess(
      ["python3", script.path] + (certificate.map { [$0.path, $0.keyPath] } ?? []), input: input, output: output)
    (self.input, self.output) = (input.fileHandleForWriting, output.fileHandleForReading)
    let line = String(decoding: self.output.availableData, as: UTF8.self)
    guard let port = Int(line.trimmingCharacters(in: .newlines)) else { throw CocoaError(.fileReadUnknown) }
    self.port = port
    scheme = certificate == nil ? "http" : "https"
    control = CurlClient(environment: certificate.map { ["AWS_CA_BUNDLE": $0.path] } ?? [:])
  }

  deinit {
    // Not SIGTERM: a child has the signals blocked that are blocked in the thread that starts it. A server that lives on
    // can hold what another child of the test's was started with, and then nobody learns that that one has ended.
    kill(process, SIGKILL)
    waitpid(process, nil, 0)
  }

  package var url: String { "\(scheme)://\(scheme == "http" ? "127.0.0.1" : "localhost"):\(port)/" }

  /// Adds to the script.
  package func answer(_ answers: Answer...) async throws {
    let body = Array(try JSONEncoder().encode(answers))
    _ = try await control.execute(HTTPClientRequest(method: "POST", url: url + "script", body: body))
  }

  /// The next request that came, waiting for it.
  package func nextRequest() async throws -> Request {
    let response = try await control.execute(HTTPClientRequest(url: url + "next-request"))
    return try JSONDecoder().decode(Request.self, from: Data(response.body))
  }
}
