import Foundation

/// A value that is one string, number or literal of JSON's.
protocol JSONPrimitive: Decodable {
  /// - Throws: where the node is of another kind, and where it is a number that the type cannot hold.
  init(_ node: JSONNode, of document: JSONDocument) throws(JSONMismatch)
}

struct JSONMismatch: Error {}

extension String: JSONPrimitive {
  init(_ node: JSONNode, of document: JSONDocument) throws(JSONMismatch) {
    guard let string = document.string(node) else { throw JSONMismatch() }
    self = string
  }
}

extension Bool: JSONPrimitive {
  init(_ node: JSONNode, of document: JSONDocument) throws(JSONMismatch) {
    switch node.kind {
    case .true: self = true
    case .false: self = false
    default: throw JSONMismatch()
    }
  }
}

extension JSONPrimitive where Self: FixedWidthInteger {
  init(_ node: JSONNode, of document: JSONDocument) throws(JSONMismatch) {
    if let integer = document.plainInteger(node) {
      guard let integer = Self(exactly: integer) else { throw JSONMismatch() }
      self = integer
    } else {
      // 5.0 is an integer, and 1e3, and 5.5 is none.
      guard node.isNumber, let integer = document.foundationValue(Self.self, of: node) else { throw JSONMismatch() }
      self = integer
    }
  }
}

extension JSONPrimitive where Self: BinaryFloatingPoint & LosslessStringConvertible {
  init(_ node: JSONNode, of document: JSONDocument) throws(JSONMismatch) {
    guard node.isNumber else { throw JSONMismatch() }
    if let integer = document.plainInteger(node) {
      self.init(integer)
      return
    }
    let literal = document.literal(node)
    let text = String(decoding: literal, as: UTF8.self)
    if let number = Self(text), number.isFinite, number != 0 || !literal.contains(where: { $0 > 0x30 && $0 <= 0x39 }) {
      self = number
    } else {
      // Too large, or so small that it would become zero: both are refused. A zero with an exponent sometimes is.
      guard let number = document.foundationValue(Self.self, of: node) else { throw JSONMismatch() }
      self = number
    }
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
  /// What Foundation makes of this one number; nil where it refuses it. It has rules of its own for numbers at the edge of a
  /// type's range, and for decimals.
  func foundationValue<Value: Decodable>(_ type: Value.Type, of node: JSONNode) -> Value? {
    try? JSONDecoder().decode(type, from: Data(literal(node)))
  }
}
