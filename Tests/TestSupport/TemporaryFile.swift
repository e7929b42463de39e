import Foundation

/// A file that lasts as long as its value.
public final class TemporaryFile: Sendable {
  public let path: String

  public init(contents: String) throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("worker-test-\(UUID().uuidString)").path
    try contents.write(toFile: path, atomically: true, encoding: .utf8)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }
}
