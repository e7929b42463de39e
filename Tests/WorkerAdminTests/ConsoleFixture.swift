import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import TestSupport
import Testing
import WorkerKit
import WorkerLocks
import WorkerTesting

@testable import WorkerAdmin

/// A console on queues in memory, without a server.
struct ConsoleFixture: Sendable {
  struct Answer: Sendable {
    var status: Int
    var headers: HTTPFields
    var body: String
  }

  let deadLetters = InMemoryQueue("prizes-dlq")
  let queue: InMemoryQueue
  let flow = FlowRecorder()
  let console: Console
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("console-\(UUID().uuidString)").path

  /// - Parameter isStarting: Whether it consumes no queue yet.
  init(
    consumers: @escaping @Sendable () -> [ConsumerStatus] = { [] }, otherQueues: [any MessageQueue] = [],
    isStarting: Bool = false,
    plugins: [any PluginConsole] = [], limits: ConsoleLimits = ConsoleLimits(),
    configure: (inout AdminConfiguration) -> Void = { _ in }
  ) throws {
    let queue = InMemoryQueue("prizes", redrive: .init(to: deadLetters))
    self.queue = queue
    var configuration = AdminConfiguration()
    configuration.folder = folder
    configure(&configuration)
    let routes = try RoutesFile(
      yaml: """
        version: 1
        queues: { main: { url: "http://localhost:4566/000000000000/prizes" } }
        routes: { ACCEPTED: { handler: quiet.accept } }
        """, plugins: [QuietPlugin.self], environment: [:])
    console = try Console(
      configuration,
      source: ConsoleSource(
        consumers: consumers, queues: { isStarting ? [] : [queue] + otherQueues }, plugins: { plugins },
        diagnose: { [] },
        routes: routes, routesPath: "routes.yaml", command: "worker"), flow: flow, logger: quietLogger,
      limits: limits)
  }

  /// Runs the console's background work meanwhile.
  func running<Result: Sendable>(_ body: @Sendable () async throws -> Result) async throws -> Result {
    let work = Task { await console.run() }
    do {
      let result = try await body()
      work.cancel()
      await work.value
      try? FileManager.default.removeItem(atPath: folder)
      return result
    } catch {
      work.cancel()
      throw error
    }
  }

  func respond(
    _ method: HTTPRequest.Method, _ path: String, body: String = "", headers: HTTPFields = [:],
    from address: String = "127.0.0.1"
  ) async -> Response {
    let head = HTTPRequest(
      method: method, scheme: "http", authority: "localhost:9464", path: path, headerFields: headers)
    return await console.response(
      to: Request(head: head, body: RequestBody(buffer: ByteBuffer(string: body))), from: address)
  }

  /// Sends a request, with the token if it is a form or JSON.
  func request(
    _ method: HTTPRequest.Method, _ path: String, form: [(String, String)]? = nil, json: String? = nil,
    headers: HTTPFields = [:], from address: String = "127.0.0.1"
  ) async throws -> Answer {
    var headers = headers
    var body = json ?? ""
    if form != nil || json != nil, headers[.csrfToken] == nil { headers[.csrfToken] = try await token(headers) }
    if let form {
      headers[.contentType] = "application/x-www-form-urlencoded"
      body = form.map { "\(Console.encoded($0))=\(Console.encoded($1))" }.joined(separator: "&")
    }
    let response = await respond(method, path, body: body, headers: headers, from: address)
    let collected = Collected()
    try await response.body.write(CollectingWriter(collected: collected))
    return Answer(
      status: response.status.code, headers: response.headers,
      body: collected.bytes.withLock { String(decoding: $0, as: UTF8.self) })
  }

  private func token(_ headers: HTTPFields) async throws -> String {
    // Of the visitor, whatever the request says of where it comes from.
    let origin: [HTTPField.Name] = [.origin, .fetchSite, .fetchMode, .fetchDestination]
    let session = try await request(.get, "/api/session", headers: headers.filter { !origin.contains($0.name) })
    return try #require(session.body.firstMatch(of: /"csrfToken":"([^"]*)"/)).output.1.description
  }

  /// Reads the dead letters, and returns their ids.
  func refresh() async throws -> [String] {
    let inventory = try console.deadLetters.inventory(nil)
    _ = inventory.refresh()
    // As long as it takes beside all other tests; the suite has a limit.
    await inventory.untilRefreshed(within: .seconds(3_600))
    return try #require(inventory.current.snapshot).deadLetters.map(\.id)
  }

  /// Confirms a plan for all dead letters, and waits until its job is over.
  func carryOut(_ action: Plan.Action) async throws -> Job.State {
    let visitor = Visitor(name: "ana", role: .operator, means: .loopback, token: "")
    let inventory = try console.deadLetters.inventory(nil)
    let plan = try await console.plan(action, DeadLetterSelection(all: true), of: inventory, by: visitor)
    let job = try await console.begin(plan.id, by: visitor)
    try await job.state.wait { $0.phase.isOver }
    return job.state.value
  }
}

/// Takes one event, and has one page.
struct QuietPlugin: WorkerPlugin {
  struct Accepted: Decodable, Sendable {}

  struct Handler: EventHandler {
    func handle(_ event: Accepted, context: HandlerContext) async throws {}
  }

  static let name = "quiet"

  static func register(in handlers: inout HandlerRegistry<QuietPlugin>) {
    handlers.add("accept") { _ in Handler() }
  }

  init(configuration: ConfigurationValues) {}
}

private final class Collected: Sendable {
  let bytes = Mutex<[UInt8]>([])
}

private struct CollectingWriter: ResponseBodyWriter {
  let collected: Collected

  mutating func write(_ buffer: ByteBuffer) async throws {
    collected.bytes.withLock { $0 += Array(buffer.readableBytesView) }
  }

  consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
