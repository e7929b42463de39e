import Foundation

/// A file that commits depend on. SQLite continues to write to a file that was moved or deleted, and those writes are
/// lost.
struct DatabaseFile: Sendable {
  let path: String
  private let device: UInt64
  private let number: UInt64

  /// Opens the file at a path; nil if there is none.
  init?(_ path: String) {
    guard let found = Self.status(of: path) else { return nil }
    self.path = path
    device = UInt64(truncatingIfNeeded: found.st_dev)
    number = UInt64(found.st_ino)
  }

  /// Whether the file is still at its path.
  var isInPlace: Bool {
    guard let found = Self.status(of: path) else { return false }
    return UInt64(truncatingIfNeeded: found.st_dev) == device && UInt64(found.st_ino) == number
  }

  private static func status(of path: String) -> stat? {
    var status = stat()
    return stat(path, &status) == 0 ? status : nil
  }
}
