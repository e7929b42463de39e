import Foundation

@testable import WorkerKit

enum Tier: String, Decodable, CodingKeyRepresentable { case gold, string, integer }

struct Wrapped: Decodable {
  let rawValue: Int
  init(from decoder: any Decoder) throws { rawValue = try decoder.singleValueContainer().decode(Int.self) }
}

struct Everything: Decodable {
  var string: String
  var integer: Int
}

struct Optionals: Decodable {
  var string: String?, integer: Int?, bool: Bool?, small: Int8?, double: Double?, float: Float?, unsigned: UInt64?
  var tier: Tier?, list: [Tree]?, map: [String: Tree]?, café: String?, kelvin: Tree?, inner: Skipping?
}

/// Decodes every field as each type of number.
struct Numbers: Decodable {
  var texts: [String] = []

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: JSONKey.self)
    for name in ["integer", "small", "double", "float", "unsigned", "huge", "decimal", "kelvin", "3"] {
      let key = JSONKey(stringValue: name)
      func attempt<Value: Decodable>(_ type: Value.Type) {
        texts.append("\(name) \(type) " + ((try? container.decode(type, forKey: key)).map(JSONSample.render) ?? "-"))
      }
      texts.append((try? container.decode(Int.self, forKey: key)).map { "\($0)" } ?? "-")
      texts.append((try? container.decode(UInt8.self, forKey: key)).map { "\($0)" } ?? "-")
      texts.append((try? container.decode(Int128.self, forKey: key)).map { "\($0)" } ?? "-")
      texts.append((try? container.decode(Double.self, forKey: key)).map(JSONSample.render) ?? "-")
      texts.append((try? container.decode(Float.self, forKey: key)).map(JSONSample.render) ?? "-")
      texts.append(JSONSample.render((try? container.decodeIfPresent(Int16.self, forKey: key)) as Any))
      attempt(Int.self)
      attempt(Int8.self)
      attempt(Int16.self)
      attempt(Int32.self)
      attempt(Int64.self)
      attempt(Int128.self)
      attempt(UInt.self)
      attempt(UInt8.self)
      attempt(UInt16.self)
      attempt(UInt32.self)
      attempt(UInt64.self)
      attempt(UInt128.self)
      attempt(Double.self)
      attempt(Float.self)
      attempt(Decimal.self)
      attempt(String.self)
      attempt(Bool.self)
    }
  }
}

/// The same for types that Foundation decodes specially.
struct Foundations: Decodable {
  var texts: [String] = []

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: JSONKey.self)
    for name in ["date", "url", "data", "decimal", "uuid", "string", "value"] {
      let key = JSONKey(stringValue: name)
      func attempt<Value: Decodable>(_ type: Value.Type) {
        texts.append("\(name) \(type) " + ((try? container.decode(type, forKey: key)).map(JSONSample.render) ?? "-"))
        texts.append((try? container.decodeIfPresent(type, forKey: key)).map { JSONSample.render($0 as Any) } ?? "-")
      }
      attempt(Date.self)
      attempt(URL.self)
      attempt(Data.self)
      attempt(Decimal.self)
      attempt(UUID.self)
      attempt([UInt8].self)
    }
  }
}

/// Any JSON, determined by trying.
indirect enum Tree: Decodable {
  case null, bool(Bool), integer(Int), double(Double), string(String), list([Tree]), map([String: Tree])

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Int.self) {
      self = .integer(value)
    } else if let value = try? container.decode(Double.self) {
      self = .double(value)
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let value = try? container.decode([Tree].self) {
      self = .list(value)
    } else {
      self = .map(try container.decode([String: Tree].self))
    }
  }
}

extension Tree {
  /// As JSONSerialization gives it.
  var plain: Any {
    switch self {
    case .null: NSNull()
    case .bool(let value): value
    case .integer(let value): value
    case .double(let value): value
    case .string(let value): value
    case .list(let values): values.map(\.plain)
    case .map(let values): values.mapValues(\.plain)
    }
  }
}

/// Decodes nested containers, and decoders of present and absent values.
struct Nested: Decodable {
  var texts: [String] = []

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: JSONKey.self)
    texts.append("\(container.allKeys.map { Array($0.stringValue.unicodeScalars) }.map { "\($0)" }.sorted())")
    for name in ["inner", "super", "missing", "list", "value", "café", "kelvin", "\u{212A}elvin"] {
      let key = JSONKey(stringValue: name)
      texts.append(
        "\(name) \(container.contains(key)) \((try? container.decodeNil(forKey: key)).map { "\($0)" } ?? "-")")
      if let inner = try? container.nestedContainer(keyedBy: JSONKey.self, forKey: key) {
        texts.append("\(inner.codingPath.map(\.stringValue)) \(inner.allKeys.count)")
        texts.append((try? inner.decode(String.self, forKey: JSONKey(stringValue: "string"))) ?? "-")
        texts.append(JSONSample.render((try? Tree(from: inner.superDecoder())) as Any))
      }
      if var inner = try? container.nestedUnkeyedContainer(forKey: key) {
        texts.append("\(inner.codingPath.map(\.stringValue)) \(inner.count ?? -1) \(inner.currentIndex)")
        texts.append(JSONSample.render((try? Tree(from: inner.superDecoder())) as Any))
        texts.append("\((try? inner.decodeNil()).map { "\($0)" } ?? "-") \(inner.currentIndex) \(inner.isAtEnd)")
        // Foundation counts beyond the end, which no type can rely on.
        if !inner.isAtEnd { texts.append(JSONSample.render((try? inner.decodeIfPresent(Int.self)) as Any)) }
        if let third = try? inner.nestedContainer(keyedBy: JSONKey.self) {
          texts.append("\(third.codingPath.map(\.stringValue)) \(third.allKeys.count)")
        }
        texts.append("\((try? inner.nestedUnkeyedContainer())?.count ?? -1) \(inner.currentIndex)")
      }
      let one = try container.superDecoder(forKey: key)
      texts.append("\(one.codingPath.map(\.stringValue)) " + JSONSample.render((try? Tree(from: one)) as Any))
    }
    texts.append(JSONSample.render(try Tree(from: container.superDecoder())))
  }
}

/// Decodes its fields one at a time, some with a fallback type.
struct Manual: Decodable {
  enum CodingKeys: String, CodingKey { case string, integer, date, tier, inner }
  var texts: [String] = []

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    do {
      texts.append(try container.decode(String.self, forKey: .string))
    } catch DecodingError.typeMismatch(let type, let context) {
      texts.append("mismatch \(type) \(context.codingPath.map(\.stringValue))")
    } catch DecodingError.valueNotFound(let type, let context) {
      texts.append("null \(type) \(context.codingPath.map(\.stringValue))")
    } catch DecodingError.keyNotFound(let key, let context) {
      texts.append("missing \(key.stringValue) \(context.codingPath.map(\.stringValue))")
    }
    do {
      texts.append("\(try container.decode(Int.self, forKey: .integer))")
    } catch {
      texts.append(error is DecodingError ? "as it should be" : "a number that does not fit")
    }
    texts.append(JSONSample.render(try container.decodeIfPresent(Tier.self, forKey: .tier) as Any))
    texts.append(JSONSample.render((try? container.decode(Date.self, forKey: .date)) as Any))
  }
}

/// Uses a decoder's three containers in turn.
struct Attempts: Decodable {
  var text: String

  init(from decoder: any Decoder) throws {
    if let text = try? decoder.singleValueContainer().decode(String.self) {
      self.text = text
    } else if let container = try? decoder.container(keyedBy: JSONKey.self) {
      text = try container.decode(Attempts.self, forKey: JSONKey(stringValue: "value")).text
    } else {
      var container = try decoder.unkeyedContainer()
      text = try container.decode(Attempts.self).text
    }
  }
}

class Parent: Decodable {
  var string: String?
}

final class Child: Parent {
  enum CodingKeys: String, CodingKey { case integer, bool }
  var integer: Int?
  var bool: Bool?

  required init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    integer = try container.decodeIfPresent(Int.self, forKey: .integer)
    bool = try container.decodeIfPresent(Bool.self, forKey: .bool)
    try super.init(from: container.superDecoder())
  }
}

/// Skips values that are not numbers.
struct Skipping: Decodable {
  struct Anything: Decodable { init(from decoder: any Decoder) throws {} }
  enum CodingKeys: String, CodingKey { case numbers, list }
  var found: [String] = []

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    for key in [CodingKeys.numbers, .list] where container.contains(key) {
      var list = try container.nestedUnkeyedContainer(forKey: key)
      while !list.isAtEnd {
        if let number = try? list.decode(Int16.self) {
          found.append("\(number)")
        } else if let number = try? list.decode(Double.self) {
          found.append(JSONSample.render(number))
        } else if try !list.decodeNil() {
          found.append("\(try list.decode(Anything.self)) \(list.currentIndex)")
        }
      }
    }
  }
}

/// The position of a value.
struct Paths: Decodable {
  struct Place: Decodable {
    var text: String
    init(from decoder: any Decoder) throws {
      text = decoder.codingPath.map { "\($0.stringValue)/\($0.intValue ?? -1)" }.joined(separator: " ")
    }
  }
  var value: Place?
  var list: [Place]?
  var map: [String: Place]?
  var inner: [String: [String: Place]]?
}

/// Keys that are numbers. Several texts can be the same key.
struct Gathered: Decodable {
  var map: [Int: Place]
  struct Place: Decodable { init(from decoder: any Decoder) throws {} }
}
