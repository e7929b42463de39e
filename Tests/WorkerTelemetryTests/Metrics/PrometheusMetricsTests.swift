import CoreMetrics
import Logging
import Testing
import WorkerKit

@testable import WorkerTelemetry

@Suite("Metrics for Prometheus")
struct PrometheusMetricsTests {
  let logs = LogRecord()

  func makeMetrics(_ descriptions: [MetricDescription] = []) -> PrometheusMetrics {
    PrometheusMetrics(describing: descriptions, logger: Logger(label: "test", factory: { _ in logs.handler }))
  }

  /// The lines of a metric, without those of the process.
  func lines(_ metrics: PrometheusMetrics, accept: String? = nil) -> [String] {
    metrics.exposition(accepting: accept).text.split(separator: "\n").map(String.init).filter {
      !$0.contains("process_")
    }
  }

  @Test("a counter has its total, whether it counts whole numbers or parts")
  func counters() {
    let metrics = makeMetrics([.init(label: "a.count", kind: .counter, help: "How many.")])
    Counter(label: "a.count", dimensions: [("x.y", "1")], factory: metrics).increment(by: 3)
    Counter(label: "a.count", dimensions: [("x.y", "1")], factory: metrics).increment(by: 4)
    FloatingPointCounter(label: "a.count", dimensions: [], factory: metrics).increment(by: 0.5)
    #expect(
      lines(metrics) == [
        "# HELP a_count_total How many.", "# TYPE a_count_total counter", "a_count_total 0.5",
        #"a_count_total{x_y="1"} 7"#,
      ])
    #expect(
      lines(metrics, accept: "application/openmetrics-text;version=1.0.0,text/plain;q=0.5") == [
        "# HELP a_count How many.", "# TYPE a_count counter", "a_count_total 0.5", #"a_count_total{x_y="1"} 7"#,
        "# EOF",
      ])
  }

  @Test("a counter never goes back, and nothing that is no number gets in")
  func badNumbers() {
    let metrics = makeMetrics()
    let counter = FloatingPointCounter(label: "c", dimensions: [], factory: metrics)
    let timer = Recorder(label: "h", dimensions: [], aggregate: true, factory: metrics)
    for value in [1, -5, Double.nan, .infinity] {
      counter.increment(by: value)
      timer.record(value)
    }
    #expect(lines(metrics).contains("c_total 1"))
    #expect(lines(metrics).contains("h_count 2"))
    #expect(lines(metrics).contains("h_sum -4"))
  }

  @Test("a gauge is what was recorded last, and absent before")
  func gauges() {
    let metrics = makeMetrics()
    let gauge = Gauge(label: "g", dimensions: [], factory: metrics)
    let meter = Meter(label: "m", dimensions: [], factory: metrics)
    #expect(!lines(metrics).contains { $0.hasPrefix("g ") || $0.hasPrefix("m ") })
    gauge.record(5)
    gauge.record(-2.5)
    meter.increment(by: 3)
    meter.decrement(by: 1)
    #expect(lines(metrics).contains("g -2.5"))
    #expect(lines(metrics).contains("m 2"))
    gauge.record(Double.infinity)
    meter.set(Double.nan)
    #expect(lines(metrics).contains("g +Inf"))
    #expect(lines(metrics).contains("m NaN"))
  }

  @Test("a timer is a histogram in seconds, its buckets cumulative and their bounds inclusive")
  func timers() {
    let metrics = makeMetrics([.init(label: "t", kind: .timer, help: "Time.", buckets: [1, 0.1])])
    let timer = Timer(label: "t", dimensions: [("route", "A")], factory: metrics)
    timer.recordMilliseconds(100)
    timer.recordMilliseconds(250)
    timer.recordSeconds(3)
    #expect(
      lines(metrics).suffix(5) == [
        #"t_seconds_bucket{route="A",le="0.1"} 1"#, #"t_seconds_bucket{route="A",le="1.0"} 2"#,
        #"t_seconds_bucket{route="A",le="+Inf"} 3"#, #"t_seconds_sum{route="A"} 3.35"#,
        #"t_seconds_count{route="A"} 3"#,
      ])
  }

  @Test("names and labels become what Prometheus takes, and values keep what they hold")
  func names() {
    let metrics = makeMetrics()
    func count(_ label: String, _ dimensions: [(String, String)]) {
      Counter(label: label, dimensions: dimensions, factory: metrics).increment()
    }
    count("2nd.naïve-name", [("b", "x"), ("a", "\"\\\r\n")])
    // The order of labels, and those without a value, make no other series.
    count("2nd.naïve-name", [("a", "\"\\\r\n"), ("b", "x"), ("c", "")])
    count("requests_total", [("le", "1"), ("a.b", "1"), ("a_b", "2")])
    #expect(lines(metrics).contains(#"_2nd_na_ve_name_total{a="\"\\"# + "\r" + #"\n",b="x"} 2"#))
    #expect(lines(metrics).contains(#"requests_total{a_b="1;2",le_="1"} 1"#))
  }

  @Test("a name of two kinds, or of two metrics, is recorded as the first, and said once")
  func conflicts() {
    let metrics = makeMetrics()
    Timer(label: "x", dimensions: [], factory: metrics).recordSeconds(1)
    for _ in 0..<3 {
      Counter(label: "x", dimensions: [], factory: metrics).increment()
      Gauge(label: "x.seconds.count", dimensions: [], factory: metrics).record(7)
    }
    #expect(lines(metrics).filter { $0.hasPrefix("x_seconds_count") } == ["x_seconds_count 1"])
    #expect(!lines(metrics).contains { $0.hasPrefix("x_total") })
    #expect(logs.entries.map { $0.metadata?["metric"] } == ["x", "x.seconds.count"])
  }

  @Test("beyond a thousand sets of labels, the rest is counted in one, and that is said once")
  func overflow() {
    let metrics = makeMetrics()
    for number in 0..<1_500 {
      Counter(label: "c", dimensions: [("id", "\(number)")], factory: metrics).increment()
    }
    let series = lines(metrics).filter { $0.hasPrefix("c_total{") }
    #expect(series.count == 1_001)
    #expect(series.contains(#"c_total{otel_metric_overflow="true"} 500"#))
    #expect(logs.entries.count == 1)
  }

  @Test("what is destroyed is gone")
  func destroy() {
    let metrics = makeMetrics()
    let gauge = Gauge(label: "g", dimensions: [], factory: metrics)
    gauge.record(1)
    gauge.destroy()
    #expect(!lines(metrics).contains("g 1"))
  }

  @Test("recordings from many tasks are all counted")
  func concurrency() async {
    let metrics = makeMetrics()
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask {
          for number in 0..<1_000 {
            Counter(label: "c", dimensions: [("n", "\(number % 3)")], factory: metrics).increment()
            Recorder(label: "h", dimensions: [], aggregate: true, factory: metrics).record(1)
          }
        }
      }
    }
    let total = lines(metrics).filter { $0.hasPrefix("c_total{") }.compactMap { $0.split(separator: " ").last }
      .compactMap { Int($0) }.reduce(0, +)
    #expect(total == 8_000)
    #expect(lines(metrics).contains("h_count 8000"))
  }

  @Test("the process's CPU, memory, files and start are in every exposition")
  func process() throws {
    let values = ProcessMetrics.read().reduce(into: [String: Double]()) { $0[$1.name] = $1.samples.first?.value }
    #expect(try #require(values["process_cpu_seconds"]) > 0)
    let uptime = try #require(values["process_uptime_seconds"])
    #expect((0..<86_400).contains(uptime))
    #if os(Linux)
      #expect(try #require(values["process_resident_memory_bytes"]) > 1_000_000)
      #expect(try #require(values["process_open_fds"]) >= 3)
      #expect(try #require(values["process_max_fds"]) > 3)
    #endif
  }

  @Test("every metric of the framework is described before anything is recorded, under a name of its own")
  func framework() {
    let metrics = PrometheusMetrics(logger: Logger(label: "test", factory: { _ in logs.handler }))
    let names = MetricDescription.framework.map(\.exposedName)
    #expect(Set(names).count == names.count)
    #expect(Set(metrics.snapshots.map(\.name)) == Set(names))
    #expect(logs.entries.isEmpty)
  }
}
