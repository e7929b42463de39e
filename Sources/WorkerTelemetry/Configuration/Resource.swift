import Foundation
import Tracing
import WorkerKit

/// The source of the telemetry, which is this process, in OpenTelemetry's resource conventions.
enum Resource {
  static let sdkName = "swift-queue-worker"
  static let sdkVersion = WorkerVersion.current

  /// The attributes that can be detected, with the specification's default for `service.name`.
  static func detected(processName: String = ProcessInfo.processInfo.processName) -> SpanAttributes {
    #if os(macOS)
      let system = "darwin"
    #else
      let system = "linux"
    #endif
    var attributes: SpanAttributes = [
      "service.name": .string("unknown_service:\(processName)"),
      "service.instance.id": .string(UUID().uuidString.lowercased()),
      "telemetry.sdk.name": .string(sdkName),
      "telemetry.sdk.language": "swift",
      "telemetry.sdk.version": .string(sdkVersion),
      "process.pid": .int64(Int64(ProcessInfo.processInfo.processIdentifier)),
      "os.type": .string(system),
    ]
    if let host = hostName { attributes["host.name"] = host }
    return attributes
  }

  /// The host name from the kernel: Foundation would query DNS.
  private static var hostName: String? {
    var buffer = [CChar](repeating: 0, count: 256)
    guard gethostname(&buffer, buffer.count - 1) == 0 else { return nil }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
