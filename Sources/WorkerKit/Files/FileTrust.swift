import Foundation

/// Checks whether a file may store events and granted prizes. A user who owns or can replace the file could read and
/// forge them.
///
/// | file or folder | refused |
/// |---|---|
/// | owned by, or a symbolic link of, a user other than root and this process's user | in a world-writable folder |
/// | a folder that such a user owns | anywhere, unless this process runs as root; files are exempt, so that a group can share them |
/// | world-writable | always, except folders that root owns, such as a container's volume, or with the sticky bit |
package enum FileTrust {
  /// Checks a folder.
  ///
  /// - Parameter ofAnyone: Whether any owner is accepted, because the files in the folder are checked individually.
  /// - Throws: A ``FileTrustError`` with the remedy.
  package static func check(folder path: String, ofAnyone: Bool = false) throws {
    guard let status = ofAnyone ? status(of: path, by: stat) : try checkOwner(of: path), status.isOpenToAll else {
      return
    }
    let isShared = status.st_uid == 0 || status.st_mode & mode_t(S_ISVTX) != 0
    guard isShared else { throw FileTrustError("everyone may write in the folder \(path); chmod o-w \(quoted(path))") }
  }

  /// Checks a file.
  ///
  /// - Throws: A ``FileTrustError`` with the remedy.
  package static func check(file path: String) throws {
    guard let status = try checkOwner(of: path, mayBeShared: true), status.isOpenToAll else { return }
    throw FileTrustError("everyone may write the file \(path); chmod o-w \(quoted(path))")
  }

  /// Checks the owner of a file, a folder or a symbolic link and its target.
  ///
  /// - Returns: The status of the target; nil if it does not exist or is inaccessible, in which case opening it reports
  ///   why.
  private static func checkOwner(of path: String, mayBeShared: Bool = false) throws -> stat? {
    guard let own = status(of: path, by: lstat) else { return nil }
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    let isInSharedFolder = status(of: folder, by: stat)?.isOpenToAll ?? false
    let user = geteuid()
    func isTrusted(_ owner: uid_t) -> Bool {
      owner == 0 || owner == user || (!isInSharedFolder && (user == 0 || mayBeShared))
    }
    let isLink = own.st_mode & mode_t(S_IFMT) == mode_t(S_IFLNK)
    guard !isLink || !isInSharedFolder || isTrusted(own.st_uid) else {
      throw FileTrustError(
        "\(path) is a symbolic link of \(name(of: own.st_uid)), in a folder in which everyone may write; \(advice)")
    }
    guard let found = isLink ? status(of: path, by: stat) : own else { return nil }
    guard isTrusted(found.st_uid) else {
      throw FileTrustError(
        "\(path) belongs to \(name(of: found.st_uid)), who can read and change what is kept there, and this is "
          + "\(name(of: user)); \(isInSharedFolder ? "" : "run this as its owner, or ")\(advice)")
    }
    return found
  }

  private static let advice = "choose a path in a folder of your own"

  private static func status(
    of path: String, by call: (UnsafePointer<CChar>, UnsafeMutablePointer<stat>) -> CInt
  ) -> stat? {
    var status = stat()
    return call(path, &status) == 0 ? status : nil
  }

  private static func name(of user: uid_t) -> String {
    getpwuid(user).map { "the user \(String(cString: $0.pointee.pw_name))" } ?? "the user with the number \(user)"
  }

  private static func quoted(_ path: String) -> String { "'\(path.replacing("'", with: #"'\''"#))'" }
}

package struct FileTrustError: Error, CustomStringConvertible {
  package let description: String

  init(_ description: String) {
    self.description = description
  }
}

extension stat {
  fileprivate var isOpenToAll: Bool { st_mode & mode_t(S_IWOTH) != 0 }
}
