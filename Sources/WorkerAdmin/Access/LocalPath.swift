/// The address of a page of the console, as a request names it.
///
/// Browsers drop tabs and line breaks from an address, and take `\` for `/`, so `/<tab>/example.com` would lead to another site.
struct LocalPath {
  let text: String

  /// - Returns: nil unless the text is a path of printable ASCII characters on this host.
  init?(_ text: String) {
    guard text.hasPrefix("/"), text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), !text.contains("//"),
      !text.contains("\\")
    else { return nil }
    self.text = text
  }
}
