import Foundation
import WorkerKit

extension DeadLetterRecord {
  /// The ids of the dead letters in a file of such lines, which is read line by line: it has their bodies, too.
  static func ids(inFile path: String) throws -> Set<String> {
    struct Line: Decodable { var id: String }
    guard let file = fopen(path == "-" ? "/dev/stdin" : path, "re") else {
      let reason = errno == ENOENT ? "there is no such file" : String(cString: strerror(errno))
      throw CommandError("cannot read \(path): \(reason)")
    }
    defer { fclose(file) }
    var buffer: UnsafeMutablePointer<CChar>?
    var capacity = 0
    defer { free(buffer) }
    var ids: Set<String> = []
    var number = 0
    while true {
      let count = getline(&buffer, &capacity, file)
      guard count >= 0, let start = buffer else { break }
      let bytes = Data(bytesNoCopy: start, count: count, deallocator: .none)
      if bytes == Data("\n".utf8) { continue }
      number += 1
      guard let line = try? JSONDecoder().decode(Line.self, from: bytes) else {
        throw CommandError("\(path): dead letter \(number) is not one that `dead-letters export` writes")
      }
      ids.insert(line.id)
    }
    guard ferror(file) == 0 else { throw CommandError("cannot read \(path): \(String(cString: strerror(errno)))") }
    return ids
  }
}
