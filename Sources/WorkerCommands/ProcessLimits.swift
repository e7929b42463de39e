import Dispatch
import Foundation

/// A command that runs services, and therefore needs more threads and file descriptors than a short command.
protocol ServiceCommand {
  static var needs: ProcessLimits.Needs { get }
}

/// Checks the operating system's limits on this process before anything is started.
///
/// If a thread cannot be created, Swift's runtime waits forever and SwiftNIO traps; neither reports the reason.
enum ProcessLimits {
  struct Needs {
    /// The number of threads in addition to those of Swift's runtime.
    var threads: Int
    /// The number of descriptors for starting and for minimal work.
    var descriptors: Int

    static let shortCommand = Needs(threads: 2, descriptors: 20)
  }

  /// With a higher limit, child processes would spend their time closing descriptors.
  private static let mostDescriptors: rlim_t = 65_536
  /// The address space that the allocator reserves for each thread, if it can.
  private static let arena = 64 << 20
  private static let heap = 64 << 20

  /// Raises the limit on descriptors as far as permitted, and checks the other limits. It runs on the process's first
  /// thread, because further threads may be impossible.
  ///
  /// - Throws: A ``ProcessLimitError`` with the limit and the required value.
  static func check(_ needs: Needs) throws {
    try checkDescriptors(needs.descriptors)
    // Threads of the runtime: one for each core, one that waits for events, and one for the main queue.
    try checkThreads(ProcessInfo.processInfo.activeProcessorCount + 2 + needs.threads)
  }

  private static func checkDescriptors(_ needed: Int) throws {
    #if canImport(Glibc)
      let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
      let resource = RLIMIT_NOFILE
    #endif
    var limit = rlimit()
    getrlimit(resource, &limit)
    if limit.rlim_cur < limit.rlim_max, limit.rlim_cur < mostDescriptors {
      var raised = limit
      raised.rlim_cur = min(limit.rlim_max, mostDescriptors)
      if setrlimit(resource, &raised) == 0 { limit = raised }
    }
    guard limit.rlim_cur < rlim_t(needed) else { return }
    throw ProcessLimitError(
      "a process may open \(limit.rlim_cur) files here, and this command needs \(needed) to start; raise the limit (ulimit -n) to 1100, for a thousand connections"
    )
  }

  /// Creates as many threads as will be needed, including their memory, and ends them.
  private static func checkThreads(_ needed: Int) throws {
    let enough = (addressSpace + needed * (stackSize + arena) + 2 * heap) / 1024
    let rehearsal = Rehearsal()
    var threads: [pthread_t] = []
    defer {
      // The threads use the object without retaining it.
      withExtendedLifetime(rehearsal) {
        for _ in threads { rehearsal.end.signal() }
        for thread in threads { pthread_join(thread, nil) }
      }
    }
    while threads.count < needed {
      guard let thread = rehearsal.start() else {
        guard canReserve(stackSize) else { throw tooLittleMemory(threads: needed, enough: enough) }
        throw ProcessLimitError(
          "only \(threads.count) of the \(needed) threads that this command needs can be made; raise the limit on processes (ulimit -u, pids.max of the control group, TasksMax of a unit) by \(needed - threads.count)"
        )
      }
      threads.append(thread)
    }
    guard canReserve(heap) else { throw tooLittleMemory(threads: needed, enough: enough) }
  }

  private static func tooLittleMemory(threads: Int, enough: Int) -> ProcessLimitError {
    ProcessLimitError(
      "there is not enough address space for the \(threads) threads that this command needs and for its data; raise the limit (ulimit -v) to \(enough)"
    )
  }

  private static func canReserve(_ size: Int) -> Bool {
    let memory = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0)
    guard memory != MAP_FAILED else { return false }
    munmap(memory, size)
    return true
  }

  /// The stack size of a thread that does not request another.
  private static var stackSize: Int {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    var size = 0
    pthread_attr_getstacksize(&attributes, &size)
    return size
  }

  /// The address space of this process in bytes; 0 if the system does not report it.
  private static var addressSpace: Int {
    let pages = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ").first
    return (pages.flatMap { Int($0) } ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
  }
}

/// Threads that exist at the same time and do nothing.
private final class Rehearsal: Sendable {
  let end = DispatchSemaphore(value: 0)
  private let hasStarted = DispatchSemaphore(value: 0)

  /// Starts a thread.
  ///
  /// - Returns: nil if it cannot be created.
  func start() -> pthread_t? {
    #if canImport(Glibc)
      var thread = pthread_t()
    #else
      var thread: pthread_t?
    #endif
    let error = pthread_create(
      &thread, nil,
      { argument in
        // The type is optional on some platforms only.
        let argument: UnsafeMutableRawPointer? = argument
        guard let argument else { return nil }
        let rehearsal = Unmanaged<Rehearsal>.fromOpaque(argument).takeUnretainedValue()
        // An allocation, as in every thread, because the allocator reserves memory for it.
        free(malloc(1))
        rehearsal.hasStarted.signal()
        rehearsal.end.wait()
        return nil
      }, Unmanaged.passUnretained(self).toOpaque())
    guard error == 0 else { return nil }
    hasStarted.wait()
    return thread
  }
}

/// A limit of the operating system that is too low, and how to raise it.
struct ProcessLimitError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}
