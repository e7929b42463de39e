import Foundation

/// A value that is one string, number or literal of JSON's.
protocol JSONPrimitive: Decodable {
  /// nil where the node is of another kind, and where it is a number that the type cannot hold.
  init?(_ node: JSONNode, of document: JSONDocument)
}

extension String: JSONPrimitive {
  init?(_ node: JSONNode, of document: JSONDocument) {
    guard let string = document.string(node) else { return nil }
    self = string
  }
}

extension Bool: JSONPrimitive {
  init?(_ node: JSONNode, of document: JSONDocument) {
    switch node.kind {
    case .true: self = true
    case .false: self = false
    default: return nil
    }
  }
}

extension JSONPrimitive where Self: FixedWidthInteger {
  init?(_ node: JSONNode, of document: JSONDocument) {
    if let integer = document.plainInteger(node) {
      self.init(exactly: integer)
    } else {
      // 5.0 is an integer, and 1e3, and 5.5 is none.
      guard node.isNumber, let integer = document.foundationValue(Self.self, of: node) else { return nil }
      self = integer
    }
  }
}

extension JSONPrimitive where Self: BinaryFloatingPoint & LosslessStringConvertible {
  init?(_ node: JSONNode, of document: JSONDocument) {
    guard node.isNumber else { return nil }
    if let integer = document.plainInteger(node) {
      self.init(integer)
      return
    }
    let literal = document.literal(node)
    guard let number = Self(String(decoding: literal, as: UTF8.self)), number.isFinite else { return nil }
    // Foundation refuses what is so small that it would become zero.
    let digits = literal.prefix { $0 | 0x20 != UInt8(ascii: "e") }
    guard number != 0 || !digits.contains(where: (UInt8(ascii: "1")...UInt8(ascii: "9")).contains) else { return nil }
    self = number
  }
}

extension Int: JSONPrimitive {}
extension Int8: JSONPrimitive {}
extension Int16: JSONPrimitive {}
extension Int32: JSONPrimitive {}
extension Int64: JSONPrimitive {}
extension Int128: JSONPrimitive {}
extension UInt: JSONPrimitive {}
extension UInt8: JSONPrimitive {}
extension UInt16: JSONPrimitive {}
extension UInt32: JSONPrimitive {}
extension UInt64: JSONPrimitive {}
extension UInt128: JSONPrimitive {}
extension Double: JSONPrimitive {}
extension Float: JSONPrimitive {}

extension JSONDocument {
  /// What Foundation makes of this one string or number; nil where it refuses it. It has rules of its own for numbers
  /// at the edge of a type's range, for decimals and for binary data.
  func foundationValue<Value: Decodable>(_ type: Value.Type, of node: JSONNode) -> Value? {
    try? JSONDecoder().decode(type, from: Data(literal(node)))
  }
}
