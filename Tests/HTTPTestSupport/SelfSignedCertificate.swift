import Foundation
import TestSupport

/// A certificate for localhost that vouches for itself, made by openssl's command.
package final class SelfSignedCertificate: Sendable {
  private let directory: URL
  package var path: String { directory.appendingPathComponent("certificate.pem").path }
  package var keyPath: String { directory.appendingPathComponent("key.pem").path }

  package init() async throws {
    directory = FileManager.default.temporaryDirectory.appendingPathComponent("certificate-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let openssl = try await runProcess(
      "/usr/bin/env",
      [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1",
        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", keyPath, "-out", path,
      ])
    guard openssl.status == 0 else { throw CocoaError(.executableLoad) }
  }

  deinit {
    try? FileManager.default.removeItem(at: directory)
  }
}
