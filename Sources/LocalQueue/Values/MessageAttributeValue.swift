import Foundation

/// A message attribute as clients send it.
struct MessageAttributeValue: Codable, Sendable {
  var stringValue: String?
  var binaryValue: Data?
  var dataType: String

  private enum CodingKeys: String, CodingKey {
    case stringValue = "StringValue"
    case binaryValue = "BinaryValue"
    case dataType = "DataType"
  }

  init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    stringValue = try values.decodeIfPresent(String.self, forKey: .stringValue)
    binaryValue = try values.decodeIfPresent(Data.self, forKey: .binaryValue)
    // A missing data type is reported with the attribute's name, and not as a malformed request.
    dataType = try values.decodeIfPresent(String.self, forKey: .dataType) ?? ""
  }

  private var isBinary: Bool { dataType.hasPrefix("Binary") }

  private var value: [UInt8] {
    isBinary ? Array(binaryValue ?? Data()) : Array((stringValue ?? "").utf8)
  }

  var json: JSONValue {
    [
      "StringValue": isBinary ? nil : stringValue.map { .string($0) },
      "BinaryValue": isBinary ? binaryValue.map { .string($0.base64EncodedString()) } : nil,
      "DataType": .string(dataType),
    ]
  }

  /// Checks an attribute.
  ///
  /// - Throws: The error that SQS returns for an invalid attribute.
  func validate(_ name: String) throws {
    let kind = dataType.split(separator: ".", omittingEmptySubsequences: false).first.map(String.init) ?? ""
    guard !dataType.isEmpty else {
      throw ServiceError.invalidParameter(
        "The message attribute '\(name)' must contain a non-empty message attribute type.")
    }
    guard ["String", "Number", "Binary"].contains(kind), dataType.utf8.count <= 256 else {
      throw ServiceError.invalidParameter(
        "The message attribute '\(name)' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."
      )
    }
    guard !value.isEmpty else {
      throw ServiceError.invalidParameter(
        "Message (user) attribute '\(name)' must contain a non-empty value of type '\(kind)'."
      )
    }
    if kind == "Number", !isDecimal(stringValue ?? "") {
      throw ServiceError.invalidParameter("Could not cast message attribute '\(name)' value to number.")
    }
    if kind != "Binary", !isValidMessageText(stringValue ?? "") {
      throw ServiceError.invalidParameter(
        "Invalid characters were found in the value of message attribute '\(name)'. Valid unicode characters are \(ServiceError.validCharacters)"
      )
    }
  }

  /// Appends the attribute's part of the MD5 digest's input. Source: the developer guide, "Calculating the MD5 message
  /// digest for message attributes".
  fileprivate func append(name: String, to bytes: inout [UInt8]) {
    func append(_ part: some Collection<UInt8>) {
      withUnsafeBytes(of: UInt32(part.count).bigEndian) { bytes.append(contentsOf: $0) }
      bytes.append(contentsOf: part)
    }
    append(name.utf8)
    append(dataType.utf8)
    bytes.append(isBinary ? 2 : 1)
    append(value)
  }

  func size(named name: String) -> Int { name.utf8.count + dataType.utf8.count + value.count }
}

/// The attributes of a message, by name.
typealias MessageAttributes = [String: MessageAttributeValue]

extension MessageAttributes {
  /// The MD5 digest; nil if there are no attributes.
  var md5OfAttributes: String? {
    guard !isEmpty else { return nil }
    var bytes: [UInt8] = []
    for (name, value) in sorted(by: { $0.key < $1.key }) { value.append(name: name, to: &bytes) }
    return md5(bytes)
  }

  var size: Int { reduce(0) { $0 + $1.value.size(named: $1.key) } }

  var json: JSONValue? {
    isEmpty ? nil : .object(sorted { $0.key < $1.key }.map { .init($0.key, $0.value.json) })
  }

  func validate() throws {
    guard count <= Limits.messageAttributes else {
      throw ServiceError.invalidParameter(
        "Number of message attributes [\(count)] exceeds the allowed maximum [\(Limits.messageAttributes)].")
    }
    for (name, value) in self {
      try Self.validate(name: name)
      try value.validate(name)
    }
  }

  private static func validate(name: String) throws {
    let lowercased = name.lowercased()
    let isReserved = lowercased.hasPrefix("aws.") || lowercased.hasPrefix("amazon.")
    let isDotted = name.hasPrefix(".") || name.hasSuffix(".") || name.contains("..")
    // Letters of any alphabet, as recordings of SQS show.
    let isPlain = name.allSatisfy { $0.isLetter || $0.isNumber || "-_.".contains($0) }
    guard (1...256).contains(name.count), isPlain, !isReserved, !isDotted else {
      throw ServiceError.invalidParameter(
        "Message (user) attribute name '\(name.prefix(256))' is invalid: 1 to 256 letters, digits, hyphens, underscores and single periods inside; it may not begin with AWS. or Amazon."
      )
    }
  }

  /// The attributes that a receive requests: by name, by `prefix.*`, or all.
  func selected(by names: [String]) -> MessageAttributes {
    if names.isEmpty { return [:] }
    if !Set(names).isDisjoint(with: ["All", ".*", "*"]) { return self }
    return filter { name, _ in
      names.contains { $0.hasSuffix(".*") ? name.hasPrefix($0.dropLast(2)) : $0 == name }
    }
  }
}

/// Whether a text is a decimal number, optionally with an exponent, such as `-12.5` or `6.02e23`; `nan` and hexadecimal
/// numbers are not.
func isDecimal(_ text: String) -> Bool {
  Double(text) != nil && text.utf8.allSatisfy { isDigit($0) || "+-.eE".utf8.contains($0) }
}

func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

/// Whether a byte is a letter, a digit, a hyphen or an underscore.
func isNameByte(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
    UInt8(ascii: "0")...UInt8(ascii: "9"),
    UInt8(ascii: "-"), UInt8(ascii: "_"):
    true
  default: false
  }
}

/// Whether a text has only characters that XML 1.0 allows.
func isValidMessageText(_ text: String) -> Bool {
  var previous: (UInt8, UInt8) = (0, 0)
  for byte in text.utf8 {
    switch byte {
    case 0..<0x20 where byte != 0x9 && byte != 0xA && byte != 0xD:
      return false
    // U+FFFE and U+FFFF.
    case 0xBE...0xBF where previous == (0xEF, 0xBF):
      return false
    default:
      previous = (previous.1, byte)
    }
  }
  return true
}
