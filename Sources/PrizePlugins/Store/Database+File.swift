import GRDB
import GRDBSQLite

extension Database {
  /// Whether the file that was opened is still the one at its path. SQLite itself goes on writing to a file that was
  /// moved or deleted, and what is written there is lost with it.
  var hasItsFile: Bool {
    var hasMoved: CInt = 0
    // Where the file system cannot tell, nothing is known against it.
    guard sqlite3_file_control(sqliteConnection, "main", SQLITE_FCNTL_HAS_MOVED, &hasMoved) == SQLITE_OK else {
      return true
    }
    return hasMoved == 0
  }
}
