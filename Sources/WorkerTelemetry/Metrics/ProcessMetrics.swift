import Foundation

/// The resource usage of the process, with the names that Prometheus's client libraries use. Values that the system
/// does not provide are omitted.
enum ProcessMetrics {
  /// The names of its samples, which are reserved.
  static let sampleNames = [
    "process_cpu_seconds_total", "process_start_time_seconds", "process_uptime_seconds",
    "process_resident_memory_bytes", "process_virtual_memory_bytes", "process_open_fds", "process_max_fds",
  ]

  static func read() -> [MetricSnapshot] {
    let start = startTime
    let memory = memory
    return [
      metric("process_cpu_seconds", .counter, "User and system CPU time, in seconds.", cpuSeconds),
      metric("process_start_time_seconds", .gauge, "When the process began, in seconds since 1970.", start),
      metric(
        "process_uptime_seconds", .gauge, "For how long the process has run.",
        max(0, Date().timeIntervalSince1970 - start)),
      metric("process_resident_memory_bytes", .gauge, "Resident memory, in bytes.", memory?.resident),
      metric("process_virtual_memory_bytes", .gauge, "Virtual memory, in bytes.", memory?.virtual),
      metric("process_open_fds", .gauge, "Open file descriptors.", openFiles),
      metric("process_max_fds", .gauge, "How many file descriptors may be open.", fileLimit),
    ].compactMap { $0 }
  }

  private static func metric(
    _ name: String, _ kind: MetricSnapshot.Kind, _ help: String, _ value: Double?
  ) -> MetricSnapshot? {
    guard let value else { return nil }
    let suffix = kind == .counter ? "_total" : ""
    return MetricSnapshot(
      name: name, kind: kind, help: help, samples: [.init(suffix: suffix, labels: "", value: value)])
  }

  private static var cpuSeconds: Double? {
    var time = timespec()
    guard clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 else { return nil }
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  private static var fileLimit: Double? {
    var limit = rlimit()
    #if canImport(Glibc)
      guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return nil }
    #else
      guard getrlimit(RLIMIT_NOFILE, &limit) == 0 else { return nil }
    #endif
    return Double(limit.rlim_cur)
  }

  /// The start time, from the system's boot time and the process's start after it. Without `/proc`, the time of the
  /// first reading.
  private static let startTime: Double = {
    let now = Date().timeIntervalSince1970
    // The process name, in parentheses, may contain spaces. Field 22 is the start time; field 3 follows the name.
    guard let stat = contents(of: "/proc/self/stat"), let end = stat.lastIndex(of: ")"),
      let ticks = stat[stat.index(after: end)...].split(separator: " ").dropFirst(19).first.flatMap({ Double($0) }),
      let boot = contents(of: "/proc/stat")?.split(separator: "\n").first(where: { $0.hasPrefix("btime ") }),
      let bootTime = Double(boot.dropFirst("btime ".count))
    else { return now }
    return bootTime + ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
  }()

  private static var memory: (virtual: Double, resident: Double)? {
    guard let pages = contents(of: "/proc/self/statm")?.split(separator: " ").prefix(2).compactMap({ Double($0) }),
      pages.count == 2
    else { return nil }
    let size = Double(sysconf(Int32(_SC_PAGESIZE)))
    return (pages[0] * size, pages[1] * size)
  }

  private static var openFiles: Double? {
    // One descriptor belongs to this reading.
    (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")).map { Double($0.count - 1) }
  }

  private static func contents(of path: String) -> String? {
    try? String(contentsOfFile: path, encoding: .utf8)
  }
}
