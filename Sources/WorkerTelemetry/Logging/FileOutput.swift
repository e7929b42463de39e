import Foundation

/// Writes all bytes to an open file. A pipe may accept only a part, a signal may interrupt the call, and a non-blocking
/// file may have no space temporarily.
package enum FileOutput {
  /// Writes bytes.
  ///
  /// - Returns: The number of bytes that could not be written, and the `errno`; both are zero on success.
  package static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> (rest: Int, error: Int32) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = Foundation.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
      if count >= 0 {
        rest = rest.dropFirst(count)
      } else if errno == EAGAIN {
        var descriptorState = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&descriptorState, 1, -1)
      } else if errno != EINTR {
        return (rest.count, errno)
      }
    }
    return (0, 0)
  }

  /// Writes text.
  ///
  /// - Throws: An ``OutputError``.
  package static func write(_ text: some Collection<UInt8>, to descriptor: Int32, named name: String) throws {
    let (_, error) = Array(text).withUnsafeBytes { write($0, to: descriptor) }
    if error != 0 { throw OutputError(file: name, number: error) }
  }
}

/// The error of a command whose output could not be written.
package struct OutputError: Error, CustomStringConvertible {
  package let file: String
  /// The `errno`.
  package let number: Int32

  package init(file: String, number: Int32) {
    self.file = file
    self.number = number
  }

  /// Whether the reader has closed the pipe, as `head` does. In that case no error is reported.
  package var isReaderGone: Bool { number == EPIPE }

  package var description: String { "cannot write to \(file): \(String(cString: strerror(number)))" }
}
