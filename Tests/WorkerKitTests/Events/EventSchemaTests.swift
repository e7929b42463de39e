import Foundation
import Testing

@testable import WorkerKit

@Suite("The schema of an event type")
struct EventSchemaTests {
  func schema(of type: (some Decodable).Type) -> JSONSchema { EventSchema(of: type).schema }

  func property(_ name: String, of type: (some Decodable).Type) -> JSONValue? {
    guard case .object(let properties) = schema(of: type)["properties"] else { return nil }
    return properties[name]
  }

  func required(by type: (some Decodable).Type) -> [String] {
    guard case .array(let names) = schema(of: type)["required"] else { return [] }
    return names.compactMap { if case .string(let name) = $0 { name } else { nil } }
  }

  @Test("a plain struct: its fields, their types, and which fields are optional or nullable")
  func plain() {
    #expect(
      schema(of: Greeting.self) == [
        "type": "object",
        "properties": [
          "name": ["type": "string"],
          "times": ["type": "integer", "minimum": .integer(.min), "maximum": .integer(.max)],
          "loud": ["type": ["boolean", "null"]],
          "tags": ["type": ["array", "null"], "items": ["type": "string"]],
        ],
        "required": ["name", "times"],
      ])
    #expect(EventSchema(of: Greeting.self).gap == nil)
  }

  @Test("Foundation types, as the worker decodes them")
  func foundation() {
    struct Ending: Decodable {
      var endsAt: Date
      var id: UUID
      var link: URL
      var price: Decimal
      var share: Double
      var small: UInt8
    }
    #expect(property("endsAt", of: Ending.self) == ["type": "string", "format": "date-time"])
    #expect(property("id", of: Ending.self) == ["type": "string", "format": "uuid"])
    #expect(property("link", of: Ending.self) == ["type": "string", "format": "uri-reference"])
    #expect(property("price", of: Ending.self) == ["type": "number"])
    #expect(property("share", of: Ending.self) == ["type": "number"])
    #expect(property("small", of: Ending.self) == ["type": "integer", "minimum": 0, "maximum": 255])
    #expect(EventSchema(of: Ending.self).gap == nil)
  }

  @Test("an example of a schema decodes, with only the required fields")
  func example() throws {
    enum Tier: String, Decodable, CaseIterable { case gold, silver }
    struct Prize: Decodable {
      struct Line: Decodable {
        var item: String
        var amount: UInt8
      }
      var id: UUID
      var endsAt: Date
      var link: URL
      var picture: Data
      var tier: Tier
      var share: Double
      var isFinal: Bool
      var lines: [Line]
      var scores: [String: Int]
      var note: String?
    }
    let example = RouteSchema("PRIZE_DRAWN", EventSchema(of: Prize.self)).example
    let json = try JSONEncoder().encode(example)
    let prize = try EventDecoder.decode(Prize.self, from: Array(json))
    #expect(prize.lines.count == 1 && prize.note == nil)
    guard case .object(let fields) = example else { return #expect(Bool(false), "\(example)") }
    #expect(fields["eventType"] == "PRIZE_DRAWN" && fields["note"] == nil)
  }

  @Test("objects in lists in dictionaries, and null within them")
  func nested() {
    struct Order: Decodable {
      struct Line: Decodable {
        var item: String
        var note: String?
      }
      var lines: [Line]
      var scores: [String: Int8?]
    }
    #expect(
      property("lines", of: Order.self) == [
        "type": "array",
        "items": [
          "type": "object", "required": ["item"],
          "properties": ["item": ["type": "string"], "note": ["type": ["string", "null"]]],
        ],
      ])
    #expect(
      property("scores", of: Order.self) == [
        "type": "object",
        "additionalProperties": ["type": ["integer", "null"], "minimum": -128, "maximum": 127],
      ])
  }

  @Test("a custom init(from:): renamed fields, manual nesting, and a default that does not apply to null")
  func custom() {
    struct Award: Decodable {
      enum CodingKeys: String, CodingKey { case name = "display_name", amount, place }
      enum PlaceKeys: CodingKey { case guild }
      init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        _ = try container.decode(String.self, forKey: .name)
        _ = container.contains(.amount) ? try container.decode(Int16.self, forKey: .amount) : 1
        let place = try container.nestedContainer(keyedBy: PlaceKeys.self, forKey: .place)
        _ = try place.decode(String.self, forKey: .guild)
      }
    }
    #expect(required(by: Award.self) == ["display_name", "place"])
    #expect(property("amount", of: Award.self) == ["type": "integer", "minimum": -32768, "maximum": 32767])
    #expect(
      property("place", of: Award.self) == [
        "type": "object", "properties": ["guild": ["type": "string"]], "required": ["guild"],
      ])
  }

  @Test("a field that is decoded only if another is missing is found, and neither is required")
  func alternative() {
    struct Winner: Decodable {
      enum CodingKeys: CodingKey { case userId, legacyUserId }
      init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        guard !container.contains(.userId) else {
          _ = try container.decode(String.self, forKey: .userId)
          return
        }
        _ = try container.decode(Bool.self, forKey: .legacyUserId)
      }
    }
    #expect(property("userId", of: Winner.self) == ["type": "string"])
    #expect(property("legacyUserId", of: Winner.self) == ["type": ["boolean", "null"]])
    #expect(required(by: Winner.self) == [])
  }

  @Test("an enum with listed cases, and a value that declares its schema")
  func enums() {
    enum Tier: String, Decodable, CaseIterable { case gold, silver }
    enum Level: Int, Decodable, CaseIterable { case low = 1, high = 9 }
    struct Even: JSONSchemaProviding {
      static let jsonSchema: JSONSchema = ["type": "integer", "multipleOf": 2, "examples": [4]]
      init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard try container.decode(Int.self).isMultiple(of: 2) else {
          throw DecodingError.dataCorruptedError(in: container, debugDescription: "expected an even number")
        }
      }
    }
    struct Prize: Decodable {
      var tier: Tier
      var level: Level?
      var even: Even
    }
    #expect(property("tier", of: Prize.self) == ["enum": ["gold", "silver"]])
    #expect(property("level", of: Prize.self) == ["anyOf": [["enum": [1, 9]], ["type": "null"]]])
    #expect(property("even", of: Prize.self) == Even.jsonSchema.value)
    #expect(required(by: Prize.self) == ["tier", "even"])
  }

  @Test("an unknown part of a type accepts any value, and the gap is reported with its remedy")
  func gaps() throws {
    enum Tier: String, Decodable { case gold }
    struct Prize: Decodable {
      var name: String
      var tier: Tier
      var unseen: Int
    }
    let found = EventSchema(of: Prize.self)
    let gap = try #require(found.gap)
    #expect(gap.hasPrefix("tier: Tier refuses"))
    #expect(gap.contains("CaseIterable"))
    // Every value that the worker accepts is valid.
    #expect(found.schema["required"] == nil)
  }

  @Test("the schema of a recursive type is finite")
  func recursion() {
    struct Tree: Decodable {
      var name: String
      var children: [Tree]
      var named: [String: Tree]?
    }
    #expect(EventSchema(of: Tree.self).gap == nil)
    #expect(required(by: Tree.self) == ["name", "children"])
  }
}

@Suite("The schemas of a routes file")
struct RouteSchemaTests {
  static let yaml = """
    version: 1
    queues: { main: { url: "${NOT_SET_HERE}" } }
    routes:
      GREETED: { handler: greetings.hello }
      "greeted/again": { handler: greetings.letter, with: { stamps: 1 } }
    """

  @Test("a document for each route, including its eventType, and one for all routes; no environment is needed")
  func documents() throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).yaml")
    try Self.yaml.write(to: file, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(at: file) }
    let schemas = try RouteSchema.all(inFileAt: file.path, plugins: [GreetingPlugin.self], environment: [:])
    #expect(schemas.map(\.eventType) == ["GREETED", "greeted/again"])
    let document = try #require(schemas.first?.document)
    #expect(document["required"] == ["eventType", "name", "times"])
    guard case .object(let properties) = document["properties"] else {
      Issue.record("no properties: \(document)")
      return
    }
    #expect(properties["eventType"] == ["const": "GREETED"])
    #expect(
      RouteSchema.any(of: schemas)["oneOf"] == [["$ref": "#/$defs/GREETED"], ["$ref": "#/$defs/greeted~1again"]])
  }
}
