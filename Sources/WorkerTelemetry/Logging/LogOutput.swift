import Foundation
import WorkerKit
import WorkerLocks

import struct Synchronization.Atomic

/// Writes lines asynchronously to an open file: log lines, or messages of a service to its user.
///
/// A thread of its own writes the lines, so that no caller waits for a slow reader, such as a full pipe, a terminal
/// that Ctrl-S has stopped, or a log daemon that hangs. The buffer holds 1 MiB. Lines beyond that are dropped and
/// counted; once the file accepts lines again, a line reports their number. Lines are written completely and in order.
///
/// ``flushAtExit()`` writes the buffer when the process ends. If the process is killed (`kill -9`), the buffer is lost;
/// it is empty while the file accepts lines.
package final class LogOutput: Sendable {
  package static let standardError = LogOutput(descriptor: STDERR_FILENO, name: "standard error")
  package static let standardOutput = LogOutput(descriptor: STDOUT_FILENO, name: "standard output")

  private static let lineEnd = UInt8(ascii: "\n")
  /// How long lines are collected after a write: waking a thread for each line costs more than writing it.
  private static let gathering = DispatchTimeInterval.milliseconds(10)

  private struct State {
    /// The buffered lines with their line ends.
    var queued: [UInt8] = []
    /// The number of dropped or unwritten lines since the last report.
    var lost = 0
    var lossLine: @Sendable (String) -> String = { $0 }
    /// Whether the last write failed, and whether it wrote only a part of a line.
    var hasFailed = false
    var isMidLine = false
    var hasThread = false
    /// Whether the thread has written everything and waits for more.
    var isWaiting = false
    /// The callers that wait until everything is written.
    var flushes: [DispatchSemaphore] = []
  }

  private let descriptor: Int32
  private let name: String
  private let capacity: Int
  private let work = DispatchSemaphore(value: 0)
  private let state = Mutex(State())
  /// Whether lines are buffered. It is atomic for a crashing process, which must not take a lock.
  let isPending = Atomic(false)

  /// Creates an output.
  ///
  /// - Parameters:
  ///   - name: The name of the file in the report of lost lines.
  ///   - capacity: The size of the buffer in bytes. A single line is accepted even if it is larger.
  package init(descriptor: Int32, name: String = "the file", capacity: Int = 1 << 20) {
    self.descriptor = descriptor
    self.name = name
    self.capacity = capacity
  }

  /// Sets the function that converts the report of lost lines to the file's format.
  package func reportLosses(as line: @escaping @Sendable (String) -> String) {
    state.withLock { $0.lossLine = line }
  }

  /// Buffers a line, without waiting. If the buffer is full, the line is lost and counted.
  package func write(_ line: String) {
    let (isDue, hasThread) = state.withLock { state in
      let count = state.queued.count
      if state.queued.isEmpty || state.queued.count + line.utf8.count < capacity {
        state.queued.append(contentsOf: line.utf8)
        state.queued.append(Self.lineEnd)
        isPending.store(true, ordering: .relaxed)
      } else {
        state.lost += 1
      }
      defer { (state.isWaiting, state.hasThread) = (false, true) }
      let isHalfFull = count < capacity / 2 && state.queued.count >= capacity / 2
      return (state.isWaiting || isHalfFull, state.hasThread)
    }
    if !hasThread { startThread() }
    if isDue { work.signal() }
  }

  /// Waits until all lines are written, at most for a time limit.
  ///
  /// - Returns: Whether all lines were written.
  @discardableResult
  package func flush(within limit: Duration) -> Bool {
    let flush = DispatchSemaphore(value: 0)
    let isWritten = state.withLock { state in
      let isWritten = state.isWaiting || !state.hasThread
      if !isWritten { state.flushes.append(flush) }
      return isWritten
    }
    // The thread may be collecting lines.
    if !isWritten { work.signal() }
    return isWritten || flush.wait(timeout: .now() + limit.inSeconds) == .success
  }

  // MARK: Thread

  /// The thread lives as long as the process; it is never stopped.
  private func startThread() {
    let thread = Thread { self.writeForever() }
    thread.name = "log"
    thread.start()
  }

  private func writeForever() {
    var bytes: [UInt8] = []
    while true {
      let announced = take(&bytes)
      guard !bytes.isEmpty else {
        work.wait()
        continue
      }
      let rest = bytes.withUnsafeBytes { FileOutput.write($0, to: descriptor).rest }
      state.withLock { state in
        state.hasFailed = rest > 0
        // The reader is gone, or the disk is full.
        guard state.hasFailed else { return }
        let unwritten = bytes.suffix(rest).count { $0 == Self.lineEnd }
        state.lost += announced > 0 ? unwritten - 1 + announced : unwritten
        state.isMidLine = bytes.dropLast(rest).last.map { $0 != Self.lineEnd } ?? state.isMidLine
      }
      _ = work.wait(timeout: .now() + Self.gathering)
    }
  }

  /// Takes the buffered lines, followed by the report of lost lines. After a failure the report waits until there is
  /// another line, because the file may never accept lines again.
  ///
  /// - Parameter bytes: The bytes to write; empty if nothing is buffered.
  /// - Returns: The number of lost lines in the report.
  private func take(_ bytes: inout [UInt8]) -> Int {
    bytes.removeAll(keepingCapacity: true)
    let (lost, flushes) = state.withLock { state -> (Int, [DispatchSemaphore]) in
      guard !state.queued.isEmpty || (state.lost > 0 && !state.hasFailed) else {
        state.isWaiting = true
        isPending.store(false, ordering: .relaxed)
        defer { state.flushes = [] }
        return (0, state.flushes)
      }
      swap(&bytes, &state.queued)
      if state.isMidLine { bytes.insert(Self.lineEnd, at: 0) }
      state.isMidLine = false
      defer { state.lost = 0 }
      if state.lost > 0 {
        bytes.append(contentsOf: state.lossLine(lossSentence(state.lost)).utf8)
        bytes.append(Self.lineEnd)
      }
      return (state.lost, [])
    }
    for flush in flushes { flush.signal() }
    return lost
  }

  private func lossSentence(_ count: Int) -> String {
    "\(count) log \(count == 1 ? "line was" : "lines were") lost while \(name) did not accept them"
  }
}
