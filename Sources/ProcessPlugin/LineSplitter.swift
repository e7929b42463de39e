/// Makes lines of what a process writes, and keeps no more of a line than a limit.
struct LineSplitter {
  struct Line: Equatable {
    var bytes: [UInt8]
    /// Whether more of it came than was kept.
    var isCut: Bool

    var text: String { String(decoding: bytes, as: UTF8.self) }
  }

  static let limit = 65_536

  private let limit: Int
  private var current = Line(bytes: [], isCut: false)

  init(limit: Int = Self.limit) {
    self.limit = limit
  }

  /// - Returns: the lines that end in these bytes, without their line breaks.
  mutating func add(_ bytes: UnsafeRawBufferPointer) -> [Line] {
    var lines: [Line] = []
    var rest = bytes[...]
    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      append(rest[..<end])
      lines.append(take())
      rest = rest[(end + 1)...]
    }
    append(rest)
    return lines
  }

  /// - Returns: what came after the last line break.
  mutating func finish() -> Line? {
    current.bytes.isEmpty && !current.isCut ? nil : take()
  }

  private mutating func append(_ bytes: Slice<UnsafeRawBufferPointer>) {
    let room = limit - current.bytes.count
    current.bytes.append(contentsOf: bytes.prefix(room))
    if bytes.count > room { current.isCut = true }
  }

  private mutating func take() -> Line {
    defer { current = Line(bytes: [], isCut: false) }
    if current.bytes.last == UInt8(ascii: "\r") { current.bytes.removeLast() }
    return current
  }
}
