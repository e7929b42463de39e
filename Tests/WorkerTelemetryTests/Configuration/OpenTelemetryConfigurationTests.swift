import Testing
import Tracing

@testable import WorkerTelemetry

@Suite("The OTEL_* variables")
struct OpenTelemetryConfigurationTests {
  private static let endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"

  private func read(_ variables: [String: String]) throws -> OpenTelemetryConfiguration {
    try OpenTelemetryConfiguration(environment: [Self.endpoint: "http://collector:4318"].merging(variables) { $1 })
  }

  @Test("nothing is exported unless somebody asks for it")
  func off() throws {
    #expect(try OpenTelemetryConfiguration(environment: [:]).traces == nil)
    #expect(try read([Self.endpoint: " "]).traces == nil)
    #expect(try read(["OTEL_TRACES_EXPORTER": "none"]).traces == nil)
    #expect(try read(["OTEL_SDK_DISABLED": "TRUE"]).traces == nil)
    let asked = try OpenTelemetryConfiguration(environment: ["OTEL_TRACES_EXPORTER": "otlp"])
    #expect(asked.traces?.endpoint == "http://localhost:4318/v1/traces")
  }

  @Test(
    "the path of traces is added to the common endpoint, and the endpoint of traces is taken as it is",
    arguments: [
      ([endpoint: "http://c:4318"], "http://c:4318/v1/traces"), ([endpoint: "https://c/"], "https://c/v1/traces"),
      ([endpoint: "http://c/base"], "http://c/base/v1/traces"),
      ([endpoint: "http://c", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://d/x"], "http://d/x"),
    ])
  func endpoints(variables: [String: String], expected: String) throws {
    #expect(try read(variables).traces?.endpoint == expected)
  }

  @Test("what cannot be done is an error that says what can")
  func errors() {
    #expect(throws: OpenTelemetryError.self) { try read([Self.endpoint: "collector:4318"]) }
    #expect(throws: OpenTelemetryError.self) { try read([Self.endpoint: "http://"]) }
    let error = #expect(throws: OpenTelemetryError.self) { try read(["OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"]) }
    #expect(error?.description.contains("http/protobuf and http/json") == true)
  }

  @Test("the specification's defaults, with no compression")
  func defaults() throws {
    let configuration = try read([:])
    let traces = try #require(configuration.traces)
    #expect(traces.encoding == .protobuf)
    #expect(!traces.isCompressed)
    #expect(traces.timeout == .seconds(10))
    #expect(traces.scheduleDelay == .seconds(5))
    #expect(traces.exportTimeout == .seconds(30))
    #expect((traces.queueSize, traces.batchSize) == (2048, 512))
    #expect(configuration.sampler == .parentBased(.alwaysOn))
    #expect(configuration.propagators == [.traceContext])
    #expect(configuration.limits == SpanLimits())
    #expect(configuration.warnings.isEmpty)
  }

  @Test("what is set is taken, the variable of traces before the common one")
  func values() throws {
    let configuration = try read([
      "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
      "OTEL_EXPORTER_OTLP_TIMEOUT": "1500", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "2500",
      "OTEL_EXPORTER_OTLP_CERTIFICATE": "/ca.pem", "OTEL_BSP_SCHEDULE_DELAY": "100", "OTEL_BSP_EXPORT_TIMEOUT": "200",
      "OTEL_BSP_MAX_QUEUE_SIZE": "100", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "10",
      "OTEL_PROPAGATORS": "tracecontext, xray",
      "OTEL_ATTRIBUTE_COUNT_LIMIT": "5", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "6",
      "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "7", "OTEL_SPAN_EVENT_COUNT_LIMIT": "8", "OTEL_SPAN_LINK_COUNT_LIMIT": "0",
    ])
    let traces = try #require(configuration.traces)
    #expect(traces.encoding == .json)
    #expect(traces.isCompressed)
    #expect(traces.timeout == .milliseconds(2500))
    #expect(traces.certificates == "/ca.pem")
    #expect((traces.scheduleDelay, traces.exportTimeout) == (.milliseconds(100), .milliseconds(200)))
    #expect((traces.queueSize, traces.batchSize) == (100, 10))
    #expect(configuration.propagators == [.traceContext, .xray])
    #expect(
      configuration.limits
        == SpanLimits(attributes: 6, valueLength: 7, events: 8, eventAttributes: 5, links: 0, linkAttributes: 5))
    #expect(configuration.warnings.isEmpty)
  }

  @Test("headers are percent-decoded, those of traces before the common ones")
  func headers() throws {
    let common = ["OTEL_EXPORTER_OTLP_HEADERS": "api-key=a%20b%3D , x=y=z"]
    #expect(try read(common).traces?.headers.map { "\($0.name): \($0.value)" } == ["api-key: a b=", "x: y=z"])
    let own = common.merging(["OTEL_EXPORTER_OTLP_TRACES_HEADERS": "only=this"]) { $1 }
    #expect(try read(own).traces?.headers.map { "\($0.name): \($0.value)" } == ["only: this"])
  }

  @Test(
    "headers that cannot be sent are ignored, and the warning does not show them",
    arguments: ["secret", "=secret", "key=secret%zz", "key=secret%0d%0aX: y", "k y=secret", "ok=1,secret"])
  func brokenHeaders(value: String) throws {
    let configuration = try read(["OTEL_EXPORTER_OTLP_HEADERS": value])
    #expect(configuration.traces?.headers.isEmpty == true)
    #expect(configuration.warnings.count == 1)
    #expect(!configuration.warnings.joined().contains("secret"))
  }

  @Test("an exporter that is none is warned about, though nothing is exported then")
  func misspeltExporter() throws {
    let configuration = try OpenTelemetryConfiguration(environment: ["OTEL_TRACES_EXPORTER": "oltp"])
    #expect(configuration.traces == nil)
    #expect(configuration.warnings.count == 1)
    #expect(configuration.warnings.first?.contains("OTEL_TRACES_EXPORTER") == true)
  }

  @Test(
    "samplers by their names",
    arguments: [
      ("always_on", nil, .alwaysOn), ("always_off", nil, .alwaysOff), ("traceidratio", "0.25", .ratio(0.25)),
      ("parentbased_always_on", nil, .parentBased(.alwaysOn)),
      ("parentbased_always_off", nil, .parentBased(.alwaysOff)),
      ("parentbased_traceidratio", "0.01", .parentBased(.ratio(0.01))), ("traceidratio", nil, .ratio(1)),
    ] as [(String, String?, Sampler)])
  func samplers(name: String, argument: String?, expected: Sampler) throws {
    var variables = ["OTEL_TRACES_SAMPLER": name]
    variables["OTEL_TRACES_SAMPLER_ARG"] = argument
    let configuration = try read(variables)
    #expect(configuration.sampler == expected)
    #expect(configuration.warnings.isEmpty)
  }

  @Test(
    "what cannot be read is ignored with a warning that names the variable",
    arguments: [
      ("OTEL_SDK_DISABLED", "1"), ("OTEL_TRACES_EXPORTER", "zipkin"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/xml"),
      ("OTEL_EXPORTER_OTLP_COMPRESSION", "brotli"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
      ("OTEL_BSP_MAX_QUEUE_SIZE", "0"), ("OTEL_BSP_MAX_QUEUE_SIZE", "-1"),
      ("OTEL_BSP_MAX_QUEUE_SIZE", "99999999999999999999"), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4096"),
      ("OTEL_TRACES_SAMPLER", "jaeger_remote"), ("OTEL_PROPAGATORS", "b3"), ("OTEL_RESOURCE_ATTRIBUTES", "a"),
      ("OTEL_SPAN_LINK_COUNT_LIMIT", "many"),
    ])
  func warnings(variable: String, value: String) throws {
    let configuration = try read([variable: value])
    #expect(configuration.warnings.count == 1)
    #expect(configuration.warnings.first?.contains(variable) == true)
    #expect(configuration.traces != nil)
  }

  @Test("a ratio that is none takes every trace", arguments: ["2", "-1", "half", "nan"])
  func ratio(argument: String) throws {
    let configuration = try read(["OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": argument])
    #expect(configuration.sampler == .ratio(1))
    #expect(configuration.warnings.count == 1)
  }

  @Test("the service's name, its attributes, and what is known without being told")
  func resource() throws {
    let given = try read([
      "OTEL_RESOURCE_ATTRIBUTES": "service.name=other,deployment.environment.name=pro%2Cd",
      "OTEL_SERVICE_NAME": "prizes",
    ]).resource
    #expect(given.get("service.name") == "prizes")
    #expect(given.get("deployment.environment.name") == "pro,d")
    let own = try read([:]).resource
    #expect("\(own.get("service.name") ?? "")".contains("unknown_service:"))
    #expect(own.get("telemetry.sdk.language") == "swift")
    for name in [
      "service.instance.id", "telemetry.sdk.name", "telemetry.sdk.version", "host.name", "process.pid", "os.type",
    ] {
      #expect(own.get(name) != nil, "\(name)")
    }
    #expect(own.get("service.instance.id") != given.get("service.instance.id"))
  }
}
