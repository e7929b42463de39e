/// W3C Trace Context's `traceparent`: `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01`.
enum TraceParent {
  static let key = "traceparent"

  /// Parses a header: strictly for version 00, and for later versions only the parts of version 00. Returns nil if it
  /// is invalid.
  static func parse(_ text: String, traceState: String) -> SpanContext? {
    let bytes = Array(text.utf8)
    let dash = UInt8(ascii: "-")
    guard bytes.count >= 55, bytes[2] == dash, bytes[35] == dash, bytes[52] == dash,
      let version = byte(bytes[0..<2]), version != 0xff,
      let traceID = TraceID(hex: bytes[3..<35]), let spanID = SpanID(hex: bytes[36..<52]),
      let flags = byte(bytes[53..<55])
    else { return nil }
    guard bytes.count == 55 || (version > 0 && bytes[55] == dash) else { return nil }
    return SpanContext(
      traceID: traceID, spanID: spanID, isSampled: flags & 1 == 1, traceState: traceState, isRemote: true)
  }

  static func format(_ context: SpanContext) -> String {
    "00-\(context.traceID.hex)-\(context.spanID.hex)-\(context.isSampled ? "01" : "00")"
  }

  private static func byte(_ digits: ArraySlice<UInt8>) -> UInt8? {
    let isHex = digits.allSatisfy {
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
    }
    return isHex ? UInt8(String(decoding: digits, as: UTF8.self), radix: 16) : nil
  }
}

/// W3C Trace Context's `tracestate`: the data of tracing systems as `vendor=value` members.
enum TraceState {
  static let key = "tracestate"
  private static let maximumMembers = 32
  /// In characters. If it is longer, members are removed, long ones first.
  private static let maximumLength = 512
  private static let longMember = 128

  /// The list to propagate. It is empty if the header violates the rules, because no part of it can be trusted then.
  static func checked(_ text: String) -> String {
    var members = text.split(separator: ",").map { $0.trimming { $0 == " " || $0 == "\t" } }.filter { !$0.isEmpty }
    guard members.count <= maximumMembers, members.allSatisfy(isMember) else { return "" }
    guard Set(members.map { $0.prefix { $0 != "=" } }).count == members.count else { return "" }
    while length(members) > maximumLength {
      members.remove(at: members.lastIndex { $0.utf8.count > longMember } ?? members.count - 1)
    }
    return members.joined(separator: ",")
  }

  private static func length(_ members: [Substring]) -> Int {
    members.reduce(members.count - 1) { $0 + $1.utf8.count }
  }

  private static func isMember(_ member: Substring) -> Bool {
    let parts = member.utf8.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, (1...256).contains(parts[0].count), (1...256).contains(parts[1].count) else { return false }
    let isLetterOrDigit = { (byte: UInt8) in
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
    return isLetterOrDigit(parts[0].first ?? 0)
      && parts[0].allSatisfy { isLetterOrDigit($0) || "_-*/@".utf8.contains($0) }
      && parts[1].allSatisfy { (0x20...0x7e).contains($0) && $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "=") }
  }
}

extension Substring {
  fileprivate func trimming(_ isSpace: (Character) -> Bool) -> Substring {
    var rest = drop(while: isSpace)
    while let last = rest.last, isSpace(last) { rest.removeLast() }
    return rest
  }
}
