import Foundation

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// How long the disk takes to keep 4 KiB more of a file.
enum SyncTime {
  private static let tries = 200

  /// - Returns: the median, in milliseconds.
  static func measure(in folder: URL) throws -> Double {
    let path = folder.appending(path: "sync").path
    let file = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0o600)
    guard file >= 0 else { throw BenchmarkError("cannot write \(path)") }
    defer {
      close(file)
      unlink(path)
    }
    let page = [UInt8](repeating: 0x61, count: 4_096)
    let clock = ContinuousClock()
    return try median(
      of: (0..<tries).map { _ in
        try clock.measure {
          guard write(file, page, page.count) == page.count, sync(file) == 0 else {
            throw BenchmarkError("cannot sync \(path)")
          }
        } / .milliseconds(1)
      })
  }

  private static func sync(_ file: CInt) -> CInt {
    #if canImport(Glibc)
      fdatasync(file)
    #else
      fcntl(file, F_FULLFSYNC)
    #endif
  }
}

func median(of values: [Double]) -> Double {
  values.sorted()[(values.count - 1) / 2]
}
