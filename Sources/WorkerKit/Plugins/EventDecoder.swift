import Foundation

enum EventDecoder {
  static func decode<Event: Decodable>(_ type: Event.Type, from body: [UInt8]) throws -> Event {
    try JSONDecoder().decode(type, from: Data(body))
  }
}
