import Foundation
import WorkerKit

/// A body in a form's text area, and back.
///
/// A browser shows every line break alike and sends each as CRLF, so the body's own line breaks are restored. An unchanged text
/// is the body byte for byte.
struct EditableBody {
  /// What the text area holds, with LF as line break.
  let text: String
  private let original: String

  /// - Parameter original: The body. In JSON, invisible characters are edited as escapes, which have the same meaning; another
  ///   text is edited as it is.
  /// - Returns: nil if a text area cannot hold the body.
  init?(_ original: String) {
    self.original = original
    let isJSON =
      (try? JSONSerialization.jsonObject(with: Data(original.utf8), options: .fragmentsAllowed)) != nil
    let plain = Self.withLF(original)
    text = isJSON ? TerminalText.json(plain) : plain
    // HTML has no NUL.
    guard !text.utf8.contains(0) else { return nil }
  }

  /// The body that a submitted form means.
  func body(of submitted: String) -> String {
    let edited = Self.withLF(submitted)
    guard edited != text else { return original }
    let bytes = Array(original.utf8)
    let lineBreaks = bytes.count { $0 == UInt8(ascii: "\n") }
    let pairs = zip(bytes, bytes.dropFirst()).count { $0 == UInt8(ascii: "\r") && $1 == UInt8(ascii: "\n") }
    return lineBreaks > 0 && lineBreaks == pairs ? edited.replacing("\n", with: "\r\n") : edited
  }

  private static func withLF(_ text: String) -> String {
    guard text.utf8.contains(UInt8(ascii: "\r")) else { return text }
    return text.replacing("\r\n", with: "\n").replacing("\r", with: "\n")
  }
}
