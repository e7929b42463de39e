import Foundation
import WorkerKit

extension String {
  /// The value of a setting, without the surrounding white space and the byte order mark that files, shells and secret
  /// stores add.
  ///
  /// - Parameter origin: The source for people: a variable, a file and its profile, a service.
  /// - Returns: nil if the value is empty.
  /// - Throws: A ``QueueError`` if the value contains a line break or another control character, because it may be sent
  ///   in a header or a URL, or logged. The message names the origin and never contains the value.
  func settingValue(from origin: @autoclosure () -> String) throws -> String? {
    let value = trimmingCharacters(in: Self.blank)
    guard !value.unicodeScalars.contains(where: Self.isBreaking) else {
      throw QueueError.credentials(
        "\(origin()) holds a line break or another control character; write the value alone there, on one line")
    }
    return value.nonEmpty
  }

  private static let blank = CharacterSet.whitespacesAndNewlines.union(["\u{FEFF}"])

  /// A tab is not rejected: it acts like a space wherever the value is used.
  private static func isBreaking(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control: scalar != "\t"
    case .lineSeparator, .paragraphSeparator: true
    default: false
    }
  }
}

/// A text file that another program writes.
enum TextFile {
  /// Reads a file.
  ///
  /// - Parameter what: The file and the source of its name, for people.
  /// - Throws: A ``QueueError`` that describes the problem without the content of the file.
  static func read(_ path: String, as what: String) throws -> String {
    let bytes: Data
    do {
      bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    } catch {
      throw QueueError.credentials(
        "\(what) cannot be read: \((error as NSError).localizedDescription); check that it exists and its permissions")
    }
    if let text = String(validating: bytes, as: UTF8.self), !text.utf8.contains(0) {
      return text.hasPrefix("\u{FEFF}") ? String(text.dropFirst()) : text
    }
    let name = isUTF16(bytes) ? "UTF-16" : "not UTF-8"
    throw QueueError.credentials(
      "\(what) is \(name); save it as UTF-8\(isUTF16(bytes) ? ": iconv -f UTF-16 -t UTF-8" : "")")
  }

  /// Whether the text is UTF-16: it starts with a byte order mark, or has the zero bytes of Latin letters.
  private static func isUTF16(_ bytes: Data) -> Bool {
    bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF])
      || (bytes.count > 1 && bytes.count.isMultiple(of: 2) && bytes.lazy.filter { $0 == 0 }.count * 4 >= bytes.count)
  }
}
