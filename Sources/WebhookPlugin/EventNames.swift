import Foundation
import WorkerKit

/// What an event is called in a request: the same in each attempt, and different for every other event.
struct EventNames: Sendable {
  /// `webhook-id`, and CloudEvents' `id`: letters, digits and `_`.
  let id: String
  /// `Idempotency-Key`: a string of RFC 8941's, with its quotes.
  let idempotencyKey: String

  /// A key names an event of one type, and a receiver may take several types: so the type is a part of both names.
  init(eventType: String, idempotencyKey key: String) {
    let name = "\(Self.encoded(eventType, also: "/"))/\(Self.encoded(key))"
    id = "evt_\(Self.hexadecimal(Digest.sha256(Array(name.utf8)).prefix(16)))"
    idempotencyKey = Self.quoted(name)
  }

  // Both by bytes: with strings' own methods they took an eighth of a request's CPU.
  private static let digits = Array("0123456789abcdef".utf8)

  private static func hexadecimal(_ bytes: ArraySlice<UInt8>) -> String {
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count * 2)
    for byte in bytes {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }

  private static func quoted(_ text: String) -> String {
    let quote = UInt8(ascii: "\"")
    let backslash = UInt8(ascii: "\\")
    var bytes = [quote]
    bytes.reserveCapacity(text.utf8.count + 2)
    for byte in text.utf8 {
      if byte == quote || byte == backslash { bytes.append(backslash) }
      bytes.append(byte)
    }
    bytes.append(quote)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Such a string is of printable ASCII alone: other bytes are percent-encoded, and so is `%`, so that no two names become
  /// one.
  private static func encoded(_ text: String, also other: Unicode.Scalar? = nil) -> String {
    percentEncoded(text) {
      (0x20...0x7E).contains($0) && $0 != UInt8(ascii: "%") && $0 != other.map { UInt8($0.value) }
    }
  }
}

/// Percent-encodes the bytes of a text that are not to stay.
func percentEncoded(_ text: String, keeping isKept: (UInt8) -> Bool) -> String {
  guard !text.utf8.allSatisfy(isKept) else { return text }
  let digits = Array("0123456789ABCDEF".utf8)
  var bytes: [UInt8] = []
  for byte in text.utf8 {
    if isKept(byte) {
      bytes.append(byte)
    } else {
      bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
  }
  return String(decoding: bytes, as: UTF8.self)
}
