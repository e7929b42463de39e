/// An element of a response in the Query protocol: XML, or JSON if the client accepts it.
struct QueryElement {
  enum Content {
    case text(String)
    case elements([QueryElement])
  }

  let name: String
  let content: Content
  var namespace: String?

  init(_ name: String, _ text: String) {
    self.name = name
    content = .text(text)
  }

  init(_ name: String, _ elements: [QueryElement], namespace: String? = nil) {
    self.name = name
    content = .elements(elements)
    self.namespace = namespace
  }

  // MARK: - JSON

  /// The response in JSON, as LocalStack writes it: several elements of the same name form an array, a single one does
  /// not.
  var json: JSONValue { .object([.init(name, value)]) }

  private var value: JSONValue {
    switch content {
    case .text(let text): return .string(text)
    case .elements(let elements):
      var members: [JSONValue.Member] = []
      for element in elements {
        guard let index = members.firstIndex(where: { $0.name == element.name }) else {
          members.append(.init(element.name, element.value))
          continue
        }
        if case .array(let earlier) = members[index].value {
          members[index].value = .array(earlier + [element.value])
        } else {
          members[index].value = .array([members[index].value, element.value])
        }
      }
      return .object(members)
    }
  }

  // MARK: - XML

  /// The XML document, with escaped text.
  var xml: String {
    var text = #"<?xml version="1.0"?>"#
    write(to: &text)
    return text
  }

  private func write(to text: inout String) {
    text += "<\(name)\(namespace.map { #" xmlns="\#(Self.escape($0))""# } ?? "")"
    switch content {
    case .elements(let elements) where elements.isEmpty:
      text += "/>"
      return
    case .elements(let elements):
      text += ">"
      for element in elements { element.write(to: &text) }
    case .text(let value):
      text += ">\(Self.escape(value))"
    }
    text += "</\(name)>"
  }

  private static func escape(_ value: String) -> String {
    guard value.utf8.contains(where: { $0 < 0x20 || "<>&\"".utf8.contains($0) }) else { return value }
    return value.unicodeScalars.reduce(into: "") { result, scalar in
      switch scalar {
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "&": result += "&amp;"
      case "\"": result += "&quot;"
      // An XML parser would convert it to a line feed.
      case "\r": result += "&#xD;"
      // XML does not allow it, even escaped.
      case "\u{0}"..."\u{8}", "\u{B}", "\u{C}", "\u{E}"..."\u{1F}": result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
  }
}
