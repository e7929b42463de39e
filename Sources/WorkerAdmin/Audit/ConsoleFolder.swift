import Foundation
import WorkerKit

/// The files that the console keeps.
enum ConsoleFolder {
  struct Problem: Error, CustomStringConvertible {
    let description: String
  }

  /// Appends to a file that this user alone can read; makes it and its folder where they are not there.
  ///
  /// - Parameters:
  ///   - synchronously: Whether it is on the disk when this returns.
  ///   - limit: A file of this size gets the suffix `.1`, in place of the one before, and a new file begins.
  /// - Throws: a ``Problem`` that names the file and the setting.
  static func append(_ bytes: Data, to path: String, synchronously: Bool, rotatingAt limit: Int = .max) throws {
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
      try FileTrust.check(folder: folder)
      try FileTrust.check(file: path)
    } catch {
      throw Problem(description: "\(folder) cannot be used: \(error); name another with admin.folder")
    }
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    if let size = attributes?[.size] as? Int, size >= limit, rename(path, "\(path).1") != 0 { throw problem(path) }
    let file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard file >= 0 else { throw problem(path) }
    defer { close(file) }
    try bytes.withUnsafeBytes { bytes in
      var rest = bytes[...]
      while !rest.isEmpty {
        let count = Foundation.write(file, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        guard count >= 0 || errno == EINTR else { throw problem(path) }
        rest = rest.dropFirst(max(0, count))
      }
    }
    if synchronously, fsync(file) != 0 { throw problem(path) }
  }

  private static func problem(_ path: String) -> Problem {
    Problem(
      description:
        "\(path) cannot be written: \(String(cString: strerror(errno))); name another folder with admin.folder")
  }
}
