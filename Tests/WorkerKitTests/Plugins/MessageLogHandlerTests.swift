import InMemoryLogging
import Logging
import Testing

@testable import WorkerKit

@Suite("The log of a message")
struct MessageLogHandlerTests {
  let log = InMemoryLogHandler()

  func handler(on base: InMemoryLogHandler) -> MessageLogHandler {
    MessageLogHandler(base: base, messageID: "m-1", route: "GREETED", attempt: 2)
  }

  func logger(_ handler: MessageLogHandler) -> Logger {
    Logger(label: "test") { _ in handler }
  }

  @Test("every line contains its message, its route and its receive count")
  func everyLine() {
    let logger = logger(handler(on: log))
    logger.info("plain")
    logger.warning("with more", metadata: ["size": "5"])
    let expected: [Logger.Metadata] = [
      ["messageId": "m-1", "route": "GREETED", "attempt": "2"],
      ["messageId": "m-1", "route": "GREETED", "attempt": "2", "size": "5"],
    ]
    #expect(log.entries.map(\.metadata) == expected)
    #expect(log.entries.map(\.message) == ["plain", "with more"])
    #expect(log.entries.map(\.level) == [.info, .warning])
  }

  @Test("metadata of the logger takes precedence over that, and metadata of a line over both")
  func precedence() {
    var logger = logger(handler(on: log))
    logger[metadataKey: "route"] = "set"
    logger[metadataKey: "attempt"] = "set"
    logger.info("line", metadata: ["attempt": "given"])
    let expected: [Logger.Metadata] = [["messageId": "m-1", "route": "set", "attempt": "given"]]
    #expect(log.entries.map(\.metadata) == expected)
  }

  @Test("the metadata of a line can be read, and metadata that was set can be removed")
  func reading() {
    var logger = logger(handler(on: log))
    #expect(logger[metadataKey: "messageId"] == "m-1")
    logger[metadataKey: "route"] = "set"
    #expect(logger[metadataKey: "route"] == "set")
    #expect(logger.handler.metadata == ["messageId": "m-1", "route": "set", "attempt": "2"])
    logger[metadataKey: "route"] = nil
    #expect(logger[metadataKey: "route"] == "GREETED")
  }

  @Test("its level is the level of the underlying handler, and setting it changes that level")
  func level() {
    var base = log
    base.logLevel = .error
    var handler = handler(on: base)
    #expect(handler.logLevel == .error)
    handler.logLevel = .debug
    #expect(handler.base.logLevel == .debug)
  }

  @Test("a line below the level is written only after the level was changed")
  func changedLevel() {
    var logger = logger(handler(on: log))
    logger.debug("unheard")
    logger.logLevel = .debug
    logger.debug("heard")
    #expect(log.entries.map(\.message) == ["heard"])
  }

  @Test("the underlying handler adds a provider's metadata of the task")
  func provider() {
    var handler = handler(on: log)
    handler.metadataProvider = Logger.MetadataProvider { ["traceId": "t-1"] }
    logger(handler).info("line")
    #expect(log.entries.first?.metadata["traceId"] == "t-1")
    #expect(log.entries.first?.metadata["messageId"] == "m-1")
  }
}
