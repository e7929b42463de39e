import Foundation

/// Locks a folder for one local queue. It locks the folder itself, so that a second process is refused even if files in
/// it were moved or deleted.
final class FolderLock: Sendable {
  private let descriptor: Int32

  /// Creates the folder if it does not exist, for this user only, and locks it.
  ///
  /// - Throws: A ``LocalQueueError`` with the remedy.
  init(_ path: String) throws {
    do {
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch {
      let reason = (error as NSError).localizedDescription
      throw LocalQueueError(
        "cannot make the directory \(path) for the queues: \(reason); choose another with --data")
    }
    descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw LocalQueueError(
        "cannot open the directory \(path): \(String(cString: strerror(errno))); choose another with --data")
    }
    // If the file system does not support such locks, SQLite's own lock applies.
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else {
      // An initializer that throws runs no deinit.
      close(descriptor)
      throw LocalQueueError(isInUse: path)
    }
  }

  deinit { close(descriptor) }
}
