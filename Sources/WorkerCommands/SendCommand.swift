import ArgumentParser
import Foundation
import Logging
import WorkerKit

struct SendCommand<Application: WorkerApplication>: AsyncParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: "send",
      abstract: "Put an event into a queue, as a bot would.",
      discussion: """
        The file is sent as it is: what is wrong with it is for the worker to say. \
        A - reads standard input.

          worker send event.json
          echo '{"eventType":"ITEM_AWARDED", …}' | worker send -
        """)
  }

  @Argument(help: ArgumentHelp("A file with the event in JSON, or - for standard input.", valueName: "event.json"))
  var event: String

  @OptionGroup var routesOptions: RoutesOptions

  @Option(help: "Which queue of routes.yaml to send to; needed where it names several.")
  var queue: String?

  @Option(help: "How many messages to send, each an event of its own.")
  var count = 1

  @Option(help: ArgumentHelp("Handled once, however often it is sent: the IdempotencyKey attribute.", valueName: "key"))
  var idempotencyKey: String?

  @Option(help: ArgumentHelp("The message group, for a FIFO queue.", valueName: "id"))
  var group: String?

  func validate() throws {
    guard (1...100_000).contains(count) else { throw ValidationError("--count must be from 1 to 100000") }
    guard count == 1 || idempotencyKey == nil else {
      throw ValidationError("--idempotency-key makes them one event, so it does not go with --count")
    }
  }

  func run() async throws {
    let file = try exitingOnProblems { try routesOptions.load(for: Application.self) }
    let configuration = try file.queue(named: queue, routes: routesOptions.routes)
    let body = try readEvent()
    let logger = Logger(label: "worker")
    let client = CurlClient()
    let queue = try SQSQueue(
      url: configuration.url, region: configuration.region, client: client, tracing: file.tracing, logger: logger)
    try await Telemetry.bootstrap(client: client, logger: logger).whileRunning { try await send(body, to: queue) }
    if count > 1 {
      fflush(nil)
      FileHandle.standardError.write(Data("Sent \(count) messages to \(queue.name).\n".utf8))
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
          message.deduplicationID = UUID().uuidString
          message.groupID = message.groupID ?? "worker-send"
        }
        return message
      }
      for result in try await queue.send(batch) {
        let id = try result.get()
        print(count == 1 ? "Sent message \(id) to \(queue.name)." : id)
      }
    }
  }

  private func readEvent() throws -> String {
    let source = event == "-" ? "standard input" : event
    let body =
      event == "-"
      ? String(decoding: FileHandle.standardInput.readDataToEndOfFile(), as: UTF8.self) : try textFile(at: event)
    guard !body.isEmpty else { throw CommandError("\(source) is empty, and SQS takes no empty message") }
    guard body.utf8.count <= 1_048_576 else {
      throw CommandError(
        "\(source) has \(body.utf8.count) bytes, and SQS takes 1048576 at most; make the event smaller")
    }
    return body
  }
}
