import Foundation
import WorkerKit

/// Handlers for what is measured: the worker itself, and nothing of a handler's own.
///
/// | handler | its event | what it does |
/// |---|---|---|
/// | `bench.noop` | an award | nothing; its event is decoded and checked as any other |
/// | `bench.hold` | an award | waits until it is cancelled, so that many are in flight |
/// | `bench.latency` | an award with `sentAt`, as the stub sends it | notes how long ago that was |
/// | `bench.report` | any | prints what was noted, as one line of JSON |
struct BenchPlugin: Plugin {
  static let name = "bench"

  let latencies = Latencies()

  static func register(in handlers: inout HandlerRegistry<BenchPlugin>) {
    handlers.add("noop") { _ in NoOperationHandler() }
    handlers.add("hold") { _ in HoldHandler() }
    handlers.add("latency") { LatencyHandler(latencies: $0.latencies) }
    handlers.add("report") { ReportHandler(latencies: $0.latencies) }
  }

  init(configuration: ConfigurationValues) {}
}

struct NoOperationHandler: EventHandler {
  func handle(_ event: Award, context: HandlerContext) async throws {}
}

struct HoldHandler: EventHandler {
  func handle(_ event: Award, context: HandlerContext) async throws {
    try await Task.sleep(for: .seconds(3600))
  }
}

struct LatencyHandler: EventHandler {
  let latencies: Latencies

  func handle(_ event: TimedAward, context: HandlerContext) async throws {
    latencies.note(since: event.sentAt)
  }
}

struct ReportHandler: EventHandler {
  let latencies: Latencies

  func handle(_ event: ReportWanted, context: HandlerContext) async throws {
    print(try latencies.report())
    // Standard output is a file here, and whoever reads it waits for this line.
    fflush(nil)
  }
}

struct ReportWanted: Decodable, Sendable {}
