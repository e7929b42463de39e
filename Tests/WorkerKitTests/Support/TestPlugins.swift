import Logging
import WorkerKit

/// An event with one of each kind of field.
struct Greeting: Decodable, Sendable, Equatable {
  var name: String
  var times: Int
  var loud: Bool?
  var tags: [String]?
}

/// A handler that is a closure.
struct ClosureHandler<Event: Decodable & Sendable>: EventHandler {
  let body: @Sendable (Event, HandlerContext) async throws -> Void

  init(_ body: @escaping @Sendable (Event, HandlerContext) async throws -> Void) {
    self.body = body
  }

  func handle(_ event: Event, context: HandlerContext) async throws {
    try await body(event, context)
  }
}

/// A handler of batches that is a closure.
struct BatchClosureHandler: BatchEventHandler {
  let batchLimit: Int
  let body: @Sendable ([EventDelivery<Greeting>]) async throws -> [Result<Void, any Error>]

  func handle(_ batch: [EventDelivery<Greeting>]) async throws -> [Result<Void, any Error>] {
    try await body(batch)
  }
}

struct GreetingPlugin: WorkerPlugin {
  static let name = "greetings"
  static let volume = ConfigurationKey(
    "volume", default: 5, "How loud.", check: { (0...11).contains($0) ? nil : "must be from 0 to 11" })
  static let language = ConfigurationKey<String>("language", "In which language to greet.")
  static let configurationKeys: [any ConfigurationKeyProtocol] = [volume, language]
  static let errorKinds = [ErrorKind(rawValue: "hoarse")]

  let greeting: String

  static func register(in handlers: inout HandlerRegistry<GreetingPlugin>) {
    handlers.add("hello") { _ in ClosureHandler { (_: Greeting, _) in } }
    handlers.add("letter", configurationKeys: [ConfigurationKey<Int>("stamps", "How many stamps.")]) { _, _ in
      ClosureHandler { (_: Greeting, _) in }
    }
  }

  init(configuration: ConfigurationValues) throws {
    greeting = "\(configuration[Self.language]) at \(configuration[Self.volume])"
  }
}
