import CZlib

/// Compression for `Content-Encoding: gzip`.
enum Gzip {
  /// Compresses bytes.
  ///
  /// - Returns: nil if memory is exhausted.
  static func compress(_ bytes: [UInt8]) -> [UInt8]? {
    var stream = z_stream()
    // Spans are so repetitive that more effort gains little.
    guard czlib_init_gzip(&stream, Z_BEST_SPEED) == Z_OK else { return nil }
    defer { deflateEnd(&stream) }
    let bound = Int(deflateBound(&stream, UInt(bytes.count)))
    var input = bytes
    return input.withUnsafeMutableBufferPointer { input in
      [UInt8](unsafeUninitializedCapacity: bound) { output, count in
        stream.next_in = input.baseAddress
        stream.avail_in = UInt32(input.count)
        stream.next_out = output.baseAddress
        stream.avail_out = UInt32(output.count)
        let result = deflate(&stream, Z_FINISH)
        // zlib guarantees the bound.
        precondition(result == Z_STREAM_END)
        count = Int(stream.total_out)
      }
    }
  }
}
