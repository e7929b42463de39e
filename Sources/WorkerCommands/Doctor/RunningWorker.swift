import Foundation
import WorkerHTTP
import WorkerKit

/// A worker on this machine, at the address where `routes.yaml` serves health. It is queried for state that only the
/// worker has. Workers on other machines cannot be reached this way.
struct RunningWorker: Sendable {
  /// The required part of the response of `/health/ready`.
  struct Readiness: Decodable {
    struct Queue: Decodable {
      var queue: String
      var busy: Int
      var slots: Int
    }

    var queues: [Queue]
    /// Those whose circuit breakers are open, with the reasons.
    var plugins: [String: String]
    var reasons: [String]
  }

  static let path = "/health/ready"

  /// The address as `host:port`. A worker that listens on all addresses is queried on the loopback interface.
  let address: String
  private let client: CurlClient

  /// Creates a client for the worker.
  ///
  /// - Parameter admin: The section `admin`; nil if the file has none.
  /// - Returns: nil if the file does not specify the port.
  init?(_ admin: AdminConfiguration?, client: CurlClient) {
    guard let admin, admin.port != 0 else { return nil }
    let host = ["0.0.0.0": "127.0.0.1", "::": "::1"][admin.host] ?? admin.host
    address = "\(host.contains(":") ? "[\(host)]" : host):\(admin.port)"
    self.client = client
  }

  /// Queries the readiness.
  ///
  /// - Returns: nil if no worker responds.
  func readiness() async -> Readiness? {
    let request = HTTPClientRequest(
      url: "http://\(address)\(Self.path)", timeout: DoctorSurroundings.patience, mayUseProxy: false)
    guard let response = try? await client.execute(request), [200, 503].contains(response.status) else { return nil }
    return try? JSONDecoder().decode(Readiness.self, from: Data(response.body))
  }
}
