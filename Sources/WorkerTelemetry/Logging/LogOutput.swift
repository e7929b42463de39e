import Foundation
import WorkerKit

/// Where a log's lines go: an open file. Each is written whole, and none among another.
package final class LogOutput: Sendable {
  package static let standardError = LogOutput(descriptor: STDERR_FILENO)

  /// How long a full pipe is waited for that does not block by itself.
  private static let patience: Int32 = 1_000

  private let descriptor: Int32
  private let lock = Locked(())

  package init(descriptor: Int32) {
    self.descriptor = descriptor
  }

  /// Nobody may be there to read it, and the disk may be full: then the line is lost, and the worker goes on.
  package func write(_ line: String) {
    var bytes = Array(line.utf8)
    bytes.append(UInt8(ascii: "\n"))
    lock.withLock { _ in
      bytes.withUnsafeBytes { writeAll($0[...]) }
    }
  }

  private func writeAll(_ bytes: Slice<UnsafeRawBufferPointer>) {
    var rest = bytes
    while !rest.isEmpty {
      let count = Foundation.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
      if count >= 0 {
        rest = rest.dropFirst(count)
      } else if errno == EAGAIN {
        var place = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard poll(&place, 1, Self.patience) > 0 else { return }
      } else if errno != EINTR {
        return
      }
    }
  }
}
