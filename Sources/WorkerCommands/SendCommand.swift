import ArgumentParser
import Foundation
import Logging
import WorkerHTTP
import WorkerKit
import WorkerSQS

struct SendCommand<Application: WorkerApplication>: AsyncParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: "send",
      abstract: "Send an event to a queue, as a bot does.",
      discussion: """
        The file is sent as it is. Where its handler will not take it, a warning \
        says why. A - reads standard input; an event in single quotes is one itself.

          worker send event.json
          worker send '{"eventType":"ITEM_AWARDED", …}'
          echo '{"eventType":"ITEM_AWARDED", …}' | worker send -
        """)
  }

  @Argument(
    help: ArgumentHelp(
      "A file with the event in JSON, - for standard input, or the event itself.", valueName: "event.json"))
  var event: String

  @OptionGroup var routesOptions: RoutesOptions

  @Option(help: "Which queue of routes.yaml to send to; needed where it names several.")
  var queue: String?

  @Option(help: "How many messages to send, each an event of its own.")
  var count = 1

  @Option(
    help: ArgumentHelp(
      """
      Handled once, however often it is sent: the IdempotencyKey attribute. Without it each message is an event of its own, \
      on a FIFO queue too.
      """, valueName: "key"))
  var idempotencyKey: String?

  @Option(help: ArgumentHelp("The message group, for a FIFO queue.", valueName: "id"))
  var group: String?

  func validate() throws {
    guard (1...100_000).contains(count) else { throw ValidationError("--count must be from 1 to 100000") }
    guard idempotencyKey != "" else {
      throw ValidationError("--idempotency-key must not be empty: SQS takes no empty attribute")
    }
    guard count == 1 || idempotencyKey == nil else {
      throw ValidationError("--idempotency-key makes them one event, so it does not go with --count")
    }
  }

  func run() async throws {
    let file = try routesOptions.load(for: Application.self)
    let configuration = try file.queue(named: queue, routes: routesOptions.routes)
    let body = try readEvent()
    if let refusal = file.refusal(of: Array(body.utf8)) {
      let problem = (refusal as? EventError)?.message ?? "\(refusal)"
      printStatus("Warning: the worker will not handle \(source): \(problem)")
    }
    if let warning = file.devWarning(about: configuration, routesOptions, for: Application.self) {
      printStatus(warning)
    }
    let logger = makeCommandLogger()
    let client = CurlClient()
    let queue = try SQSQueue(
      url: configuration.url, region: configuration.region, client: client, tracing: file.tracing, logger: logger)
    try await Telemetry.bootstrap(client: client, logger: logger).whileRunning { try await send(body, to: queue) }
    if count > 1 {
      printStatus("Sent \(count) messages to \(queue.address).")
    }
  }

  private func send(_ body: String, to queue: SQSQueue) async throws {
    var message = OutgoingMessage(body: body, groupID: group)
    if let idempotencyKey {
      message.attributes["IdempotencyKey"] = .string(idempotencyKey)
    }
    for start in stride(from: 0, to: count, by: 10) {
      let batch = (start..<min(start + 10, count)).map { _ in
        var message = message
        if queue.isFIFO {
          // A random id, so that SQS accepts the message regardless of earlier ones. The idempotency key identifies the
          // event.
          message.deduplicationID = UUID().uuidString
          message.groupID = message.groupID ?? "worker-send"
        }
        return message
      }
      for result in try await queue.send(batch) {
        let id = try result.get()
        try show(count == 1 ? "Sent message \(id) to \(queue.address)." : id)
      }
    }
  }

  private var source: String { event == "-" ? "standard input" : isEvent ? "the event" : event }

  /// Whether the argument is an event, and not a file.
  private var isEvent: Bool {
    event.first { !$0.isWhitespace } == "{" && !FileManager.default.fileExists(atPath: event)
  }

  private func readEvent() throws -> String {
    guard isEvent || event == "-" || FileManager.default.fileExists(atPath: event) else {
      throw CommandError(
        "cannot read \(event): there is no such file; name a file, or - for standard input, or give the event itself in single quotes"
      )
    }
    let body = try isEvent ? checkedEvent() : textFile(at: event)
    guard !body.isEmpty else { throw CommandError("\(source) is empty, and SQS takes no empty message") }
    guard body.utf8.count <= 1_048_576 else {
      throw CommandError(
        "\(source) has \(body.utf8.count) bytes, and SQS takes 1048576 at most; make the event smaller")
    }
    return body
  }

  /// Checks the event. A shell removes the quotes of an unquoted argument, and splits it at its spaces.
  private func checkedEvent() throws -> String {
    guard (try? JSONSerialization.jsonObject(with: Data(event.utf8))) != nil else {
      throw CommandError(
        "the argument is no file, and no JSON either; put the event in single quotes: send '{\"eventType\": \"…\"}', or in a file"
      )
    }
    return event
  }
}
