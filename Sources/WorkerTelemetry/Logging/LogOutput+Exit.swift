import Foundation

import struct Synchronization.Atomic

/// Writes the buffered lines when the process ends.
extension LogOutput {
  /// How long an ending process waits for a reader.
  private static let patience = Duration.seconds(1)

  /// Installs handlers that write the buffered lines before the process ends: when it returns from `main`, calls `exit`
  /// or crashes. They wait at most one second for a reader. Call this once in a process.
  package static func flushAtExit() {
    _ = (standardError, standardOutput)
    atexit { LogOutput.flushAll() }
    for number in [SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP] { flushOnCrash(number) }
  }

  /// The previous action of each signal: the system's default, or the handler of the Swift runtime, a debugger or a
  /// sanitizer, which stops the writing thread.
  private nonisolated(unsafe) static let afterwards = UnsafeMutablePointer<sigaction>.allocate(capacity: 64)

  private static func flushOnCrash(_ number: Int32) {
    var action = sigaction()
    // Uses the alternate signal stack, because the thread's stack may have overflowed.
    action.sa_flags = SA_SIGINFO | SA_ONSTACK
    action.__sigaction_handler.sa_sigaction = { number, info, _ in
      LogOutput.waitWhilePending()
      sigaction(number, LogOutput.afterwards + Int(number), nil)
      // A fault occurs again on return, with its original cause and address. A signal of `abort` or `kill`, or of a
      // breakpoint instruction, which is over by then, has to be raised again.
      if number == SIGTRAP || (info?.pointee.si_code ?? 0) <= 0 { raise(number) }
    }
    (afterwards + Int(number)).initialize(to: sigaction())
    sigaction(number, nil, afterwards + Int(number))
    sigaction(number, &action, nil)
  }

  private static func flushAll() {
    let start = ContinuousClock.now
    for output in [standardError, standardOutput] { output.flush(within: patience - start.duration(to: .now)) }
  }

  /// Waits for the writing thread, which continues while another thread crashes. It runs in a signal handler, so it
  /// must not take a lock or allocate memory.
  private static func waitWhilePending() {
    var pause = timespec(tv_sec: 0, tv_nsec: 10_000_000)
    for _ in 0..<100 {
      guard standardError.isPending.load(ordering: .relaxed) || standardOutput.isPending.load(ordering: .relaxed) else {
        return
      }
      nanosleep(&pause, nil)
    }
  }
}
