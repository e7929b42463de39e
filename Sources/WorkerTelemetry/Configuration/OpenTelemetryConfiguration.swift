package import Tracing
import WorkerHTTP
import WorkerKit

/// The configuration in the `OTEL_*` variables; docs/observability.md lists them.
package struct OpenTelemetryConfiguration: Sendable {
  /// The values of `OTEL_TRACES_EXPORTER`.
  private enum Exporter: String, CaseIterable {
    case otlp, none
  }

  private enum Compression: String, CaseIterable {
    case gzip, none
  }

  /// The trace export; nil if traces are disabled, or if the variables name neither an exporter nor an endpoint. The
  /// specification's default, a collector on this machine, applies only if `otlp` is requested: otherwise every worker
  /// without a collector would log errors.
  package let traces: TraceExport?
  package let sampler: Sampler
  package let propagators: Set<Propagator>
  package let limits: SpanLimits
  package let resource: SpanAttributes
  /// Which variables were ignored, and why; for the log.
  package let warnings: [String]

  /// Reads the configuration.
  ///
  /// - Throws: An ``OpenTelemetryError`` if the variables cannot be satisfied, and ignoring them would send traces to
  ///   an unintended place.
  package init(environment: [String: String]) throws {
    var reader = EnvironmentReader(environment)
    let isDisabled = reader.flag("OTEL_SDK_DISABLED")
    let endpoint = try Self.endpoint(reader)
    let exporter = reader.choice(
      "OTEL_TRACES_EXPORTER", otherwise: endpoint == nil ? Exporter.none : Exporter.otlp)
    let exporterWarnings = reader.warnings
    traces =
      isDisabled || exporter == .none ? nil : try Self.export(endpoint ?? "http://localhost:4318/v1/traces", &reader)
    sampler = Self.sampler(&reader)
    propagators = Self.propagators(&reader)
    limits = Self.limits(&reader)
    resource = Self.resource(&reader)
    // If the operator did not request traces, only the exporter's warnings matter.
    warnings = traces == nil ? (isDisabled ? [] : exporterWarnings) : reader.warnings
  }

  private static func endpoint(_ reader: EnvironmentReader) throws -> String? {
    if let (name, value) = reader.text("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") {
      return try checked(value, name)
    }
    guard let (name, value) = reader.text("OTEL_EXPORTER_OTLP_ENDPOINT") else { return nil }
    return try checked(value, name) + (value.hasSuffix("/") ? "v1/traces" : "/v1/traces")
  }

  private static func checked(_ value: String, _ name: String) throws -> String {
    let hasScheme = ["http://", "https://"].contains { value.lowercased().hasPrefix($0) && value.count > $0.count }
    guard hasScheme, !value.unicodeScalars.contains(where: { $0.value <= 0x20 || $0.value == 0x7F }) else {
      throw OpenTelemetryError(
        "\(name) must be a URL that begins with http:// or https://, such as http://localhost:4318")
    }
    return value
  }

  private static func export(_ endpoint: String, _ reader: inout EnvironmentReader) throws -> TraceExport {
    var export = TraceExport(endpoint: endpoint)
    if let (name, value) = reader.text("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"),
      value.lowercased() == "grpc"
    {
      throw OpenTelemetryError(
        "\(name) is grpc, which this worker does not speak; valid: http/protobuf and http/json, on port 4318 of most collectors"
      )
    }
    export.encoding = reader.choice(
      "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL", otherwise: TraceExport.Encoding.protobuf)
    export.headers = headers(&reader)
    export.isCompressed =
      reader.choice(
        "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION", otherwise: Compression.none)
      == .gzip
    export.timeout = reader.milliseconds(
      "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT", otherwise: export.timeout)
    export.certificates =
      reader.text("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE")?.value
    export.scheduleDelay = reader.milliseconds("OTEL_BSP_SCHEDULE_DELAY", otherwise: export.scheduleDelay)
    export.exportTimeout = reader.milliseconds("OTEL_BSP_EXPORT_TIMEOUT", otherwise: export.exportTimeout)
    export.queueSize = reader.count("OTEL_BSP_MAX_QUEUE_SIZE") ?? export.queueSize
    export.batchSize = reader.count("OTEL_BSP_MAX_EXPORT_BATCH_SIZE") ?? min(export.batchSize, export.queueSize)
    if export.batchSize > export.queueSize {
      reader.warn(
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "it must not be above OTEL_BSP_MAX_QUEUE_SIZE, which is \(export.queueSize)")
      export.batchSize = export.queueSize
    }
    return export
  }

  private static func headers(_ reader: inout EnvironmentReader) -> [(name: String, value: String)] {
    let headers = reader.pairs("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS")
    guard headers.allSatisfy({ HTTPClientRequest.isToken($0.name) && HTTPClientRequest.isFieldValue($0.value) }) else {
      reader.warn("OTEL_EXPORTER_OTLP_HEADERS", "a header of it has a character that no header may have")
      return []
    }
    return headers
  }

  private static func propagators(_ reader: inout EnvironmentReader) -> Set<Propagator> {
    let variable = "OTEL_PROPAGATORS"
    guard let value = reader.text(variable)?.value.lowercased() else { return [.traceContext] }
    let names = value.split(separator: ",").map { $0.trimmingPrefix(while: \.isWhitespace) }
    if names == ["none"] { return [] }
    var propagators: Set<Propagator> = []
    for name in names {
      if let propagator = Propagator(rawValue: String(name)) {
        propagators.insert(propagator)
      } else {
        reader.warn(
          "`\(name)` of \(variable)", "valid: \(Propagator.allCases.map(\.rawValue).joined(separator: ", ")), none")
      }
    }
    return propagators
  }

  private static func limits(_ reader: inout EnvironmentReader) -> SpanLimits {
    var limits = SpanLimits()
    let attributes = reader.count("OTEL_ATTRIBUTE_COUNT_LIMIT", atLeast: 0)
    limits.attributes =
      reader.count("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", atLeast: 0) ?? attributes ?? limits.attributes
    limits.valueLength = reader.count(
      "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", atLeast: 0)
    limits.events = reader.count("OTEL_SPAN_EVENT_COUNT_LIMIT", atLeast: 0) ?? limits.events
    limits.links = reader.count("OTEL_SPAN_LINK_COUNT_LIMIT", atLeast: 0) ?? limits.links
    limits.eventAttributes =
      reader.count("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", atLeast: 0) ?? attributes ?? limits.eventAttributes
    limits.linkAttributes =
      reader.count("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", atLeast: 0) ?? attributes ?? limits.linkAttributes
    return limits
  }

  private static func resource(_ reader: inout EnvironmentReader) -> SpanAttributes {
    var resource = Resource.detected()
    for (name, value) in reader.pairs("OTEL_RESOURCE_ATTRIBUTES") { resource[name] = value }
    if let name = reader.text("OTEL_SERVICE_NAME")?.value { resource["service.name"] = name }
    return resource
  }
}

/// Why traces cannot be exported as configured.
package struct OpenTelemetryError: Error, CustomStringConvertible {
  /// The variable, the cause and the next step.
  package let description: String

  init(_ description: String) {
    self.description = description
  }
}
