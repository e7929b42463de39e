import Foundation
import Tracing
import WorkerKit

/// What makes the telemetry: this process, in the words of OpenTelemetry's resource conventions.
enum Resource {
  static let sdkName = "swift-queue-worker"
  static let sdkVersion = "0.1.0"

  /// What is known without being told; `service.name` as the specification has it where none is given.
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

  /// As the kernel has it: Foundation's would ask the DNS.
  private static var hostName: String? {
    var buffer = [CChar](repeating: 0, count: 256)
    guard gethostname(&buffer, buffer.count - 1) == 0 else { return nil }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
