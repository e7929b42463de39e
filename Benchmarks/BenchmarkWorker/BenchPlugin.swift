import Dispatch
import Foundation
import WorkerKit

/// Handlers for what is measured: the worker itself, and nothing of a handler's own.
///
/// | handler | its event | what it does |
/// |---|---|---|
/// | `bench.noop` | an award | nothing; its event is decoded and checked as any other |
/// | `bench.sleep` | an award | waits for 50 ms, as for a database far away, and notes when it began and ended |
/// | `bench.hold` | an award | waits until it is cancelled, so that many are in flight |
/// | `bench.latency` | an award with `sentAt`, as the stub sends it | notes how long ago that was |
/// | `bench.report` | any | prints what was noted, as one line of JSON |
struct BenchPlugin: WorkerPlugin {
  static let name = "bench"

  let latencies = Latencies()
  let busyTime = BusyTime()

  static func register(in handlers: inout HandlerRegistry<BenchPlugin>) {
    handlers.add("noop") { _ in NoOperationHandler() }
    handlers.add("sleep") { SleepHandler(busyTime: $0.busyTime) }
    handlers.add("hold") { _ in HoldHandler() }
    handlers.add("latency") { LatencyHandler(latencies: $0.latencies) }
    handlers.add("report") { ReportHandler(latencies: $0.latencies, busyTime: $0.busyTime) }
  }

  init(configuration: ConfigurationValues) {}
}

struct NoOperationHandler: EventHandler {
  func handle(_ event: Award, context: HandlerContext) async throws {}
}

struct SleepHandler: EventHandler {
  let busyTime: BusyTime

  func handle(_ event: Award, context: HandlerContext) async throws {
    let begin = DispatchTime.now().uptimeNanoseconds
    try await Task.sleep(for: .milliseconds(50))
    busyTime.note(from: begin, to: DispatchTime.now().uptimeNanoseconds)
  }
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
  private struct Report: Encodable {
    let latency: Latencies.Report
    let busy: BusyTime.Report
  }

  let latencies: Latencies
  let busyTime: BusyTime

  func handle(_ event: ReportWanted, context: HandlerContext) async throws {
    let report = Report(latency: latencies.report(), busy: busyTime.report())
    print(String(decoding: try JSONEncoder().encode(report), as: UTF8.self))
    // Standard output is a file here, and whoever reads it waits for this line.
    fflush(nil)
  }
}

struct ReportWanted: Decodable, Sendable {}
