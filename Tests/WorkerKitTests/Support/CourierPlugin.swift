import WorkerKit

/// A plugin whose handlers have options of every shape, and dependencies of their own.
struct CourierPlugin: WorkerPlugin {
  enum Speed: String, CaseIterable, ConfigurationValue {
    case slow, express
  }

  /// Two digits.
  struct Code: ConfigurationValue, Hashable {
    let text: String
    static let configurationDescription = "a code of two digits"

    init?(configurationText text: String) {
      guard text.count == 2, text.allSatisfy(\.isNumber) else { return nil }
      self.text = text
    }
  }

  static let name = "courier"
  static let to = ConfigurationKey<String>("to", "Where it goes.")
  static let stops = ConfigurationKey<[String]>("stops", default: [], "Where it halts.")
  static let headers = ConfigurationKey<[String: String]>("headers", default: [:], "What is written on it.")
  static let outcomes = ConfigurationKey<[Code: Speed]>("outcomes", default: [:], "How fast each code goes.")
  static let waits = ConfigurationKey<[String: [Duration]]>("waits", default: [:], "How long it waits, by place.")
  static let keys = ConfigurationKey<[Code]>("keys", default: [], isSecret: true, "What opens it.")
  static let speed = ConfigurationKey("speed", default: Speed.slow, "How fast it goes.")
  static let all: [any ConfigurationKeyProtocol] = [to, stops, headers, outcomes, waits, keys, speed]

  static func register(in handlers: inout HandlerRegistry<CourierPlugin>) {
    handlers.add("send", configurationKeys: all) { _, options in
      guard options[to] != "nowhere" else {
        throw ConfigurationValueError([.init(path: [.value(of: "to")], message: "must be a place")])
      }
      return SendHandler(options: options)
    }
    handlers.add("wait") { _ in ClosureHandler { (_: RawEvent, _) in } }
  }

  init(configuration: ConfigurationValues) {}
}

struct SendHandler: DependentHandler {
  let options: ConfigurationValues

  var dependency: HandlerDependency { HandlerDependency(options[CourierPlugin.to]) }

  func handle(_ event: RawEvent, context: HandlerContext) async throws {}
}
