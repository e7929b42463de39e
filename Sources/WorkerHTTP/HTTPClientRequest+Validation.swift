extension HTTPClientRequest {
  /// Checks that no part of the request can change the meaning of another part: a line break in a header would start a
  /// header of an attacker's choice.
  ///
  /// - Throws: An ``HTTPClientError`` with ``HTTPClientError/Code/invalidRequest``. Its message contains no value,
  ///   because headers can be secret.
  func validate() throws(HTTPClientError) {
    guard Self.isToken(method) else {
      throw .invalid("its method is not one of HTTP's; use GET, POST or another of RFC 9110's")
    }
    guard !url.isEmpty, url.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
      throw .invalid("its URL is empty, or holds white space or a control character; percent-encode it, or remove it")
    }
    guard body.isEmpty || (method != "HEAD" && method != "TRACE") else {
      throw .invalid("\(method) has no body; leave it out, or use another method")
    }
    for (index, header) in headers.enumerated() {
      guard Self.isToken(header.name) else {
        throw .invalid(
          "the name of its header \(index + 1) is empty, or holds a character that no header's name may hold")
      }
      guard !header.name.isHeaderName("Content-Length"), !header.name.isHeaderName("Transfer-Encoding") else {
        throw .invalid("\(header.name) is set by the client; leave that header out")
      }
      guard Self.isFieldValue(header.value) else {
        throw .invalid(
          "the value of its header \(header.name) holds a line break or another control character; remove it where the "
            + "value comes from")
      }
    }
  }

  /// Whether a text is a valid header value by RFC 9110, section 5.5: it contains no control character except tab.
  package static func isFieldValue(_ text: String) -> Bool {
    let bytes = text.utf8.span
    // The loop has no branch for each byte: every request carries a session token of a thousand bytes.
    var broken: UInt8 = 0
    for index in bytes.indices {
      let byte = bytes[index]
      let isControl: UInt8 = byte < 0x20 ? 1 : 0
      let isNoTab: UInt8 = byte != 0x09 ? 1 : 0
      broken |= isControl & isNoTab | (byte == 0x7F ? 1 : 0)
    }
    return broken == 0
  }

  /// Whether a text is a valid name by RFC 9110, section 5.6.2.
  package static func isToken(_ text: String) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
          true
        default: "!#$%&'*+.^_`|~".utf8.contains(byte)
        }
      }
  }
}

extension String {
  /// Whether two header names are equal, regardless of case.
  func isHeaderName(_ name: String) -> Bool {
    utf8.count == name.utf8.count && zip(utf8, name.utf8).allSatisfy { $0 | 0x20 == $1 | 0x20 }
  }
}

extension HTTPClientError {
  fileprivate static func invalid(_ problem: String) -> HTTPClientError {
    HTTPClientError(code: .invalidRequest, message: "the request cannot be sent: \(problem)")
  }
}
