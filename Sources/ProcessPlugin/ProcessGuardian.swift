import CChildProcess
import Foundation
import Logging
import WorkerKit
import WorkerLocks

/// Has what programs have started themselves killed when the worker is: `PR_SET_PDEATHSIG` ties the programs alone to it.
///
/// A process that is told of their process groups outlives the worker for as long as it takes to kill them. There is one for
/// each worker, from its first program on, and no program is its child, or its parent.
final class ProcessGuardian: Sendable {
  static let shared = ProcessGuardian()

  private struct State {
    var groups: Set<pid_t> = []
    var connection: (socket: Int32, process: pid_t)?
    var hasFailed = false
  }

  private let state = Mutex(State())

  private init() {}

  /// A process has begun, and leads a group.
  func add(_ group: pid_t) {
    guard worker_child_is_supported() != 0 else { return }
    state.withLock { state in
      state.groups.insert(group)
      Self.tell(&state, group)
    }
  }

  /// A group has ended.
  func remove(_ group: pid_t) {
    state.withLock { state in
      guard state.groups.remove(group) != nil else { return }
      Self.tell(&state, -group)
    }
  }

  private static func tell(_ state: inout State, _ record: pid_t) {
    if let (socket, process) = state.connection {
      if worker_guardian_tell(socket, [record], 1) == 0 { return }
      // Somebody has ended it.
      worker_guardian_dismiss(socket, process)
      state.connection = nil
    }
    guard !state.groups.isEmpty else { return }
    var process: pid_t = 0
    let socket = worker_guardian_start(&process)
    if socket >= 0, worker_guardian_tell(socket, Array(state.groups), state.groups.count) == 0 {
      state.connection = (socket, process)
      return
    }
    let problem = String(cString: strerror(errno))
    if socket >= 0 { worker_guardian_dismiss(socket, process) }
    if !state.hasFailed {
      Logger(label: "worker.process").warning(
        "what programs start themselves may outlive a worker that is killed: the process that would end it cannot be started",
        metadata: ["reason": "\(problem)"])
    }
    state.hasFailed = true
  }
}
