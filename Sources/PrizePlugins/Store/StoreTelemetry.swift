import Metrics
import Tracing
import WorkerKit

/// Spans and durations of a store's transactions, after OpenTelemetry's database conventions.
struct StoreTelemetry: Sendable {
  private let system: String
  /// The database's name, where it is known.
  private let namespace: String?
  private let durations: Instruments<Timer>

  init(system: String, namespace: String?) {
    self.system = system
    self.namespace = namespace
    durations = Instruments(
      fixed: [("db.system.name", system)], labels: ["db.operation.name", MetricLabel.errorType]
    ) { Timer(label: "db.client.operation.duration", dimensions: $0) }
  }

  /// Measures a transaction, with its wait for its turn.
  ///
  /// - Parameters:
  ///   - count: Of events.
  ///   - server: Asked afterwards: which of several servers it was.
  func measure<Value>(
    _ operation: String, count: Int, server: () -> PostgresServer? = { nil }, _ body: () async throws -> Value
  ) async throws -> Value {
    let start = ContinuousClock.now
    return try await withSpan("\(operation) prizes", ofKind: .client) { span in
      span.updateAttributes { attributes in
        attributes["db.system.name"] = system
        attributes["db.operation.name"] = operation
        if let namespace { attributes["db.namespace"] = namespace }
        if count > 1 { attributes["db.operation.batch.size"] = count }
      }
      var failure = ""
      defer {
        durations[operation, failure].record(duration: .now - start)
        if span.isRecording, let server = server() {
          span.attributes["server.address"] = server.host
          if let port = server.port { span.attributes["server.port"] = port }
        }
      }
      do {
        return try await body()
      } catch {
        let code = (error as? PrizeStoreError)?.code
        failure = code ?? (error as? any ClassifiedError)?.kind.rawValue ?? "\(type(of: error))"
        span.attributes["error.type"] = failure
        if let code { span.attributes["db.response.status_code"] = code }
        throw error
      }
    }
  }
}
