package import Foundation

/// Starts a program of the PATH. A stream that is not given is the null device.
///
/// Foundation's `Process` reads past the end of a buffer if many files are open, as they are in a run of all tests.
package func startProcess(
  _ command: [String], input: Pipe? = nil, output: Pipe? = nil, errors: Pipe? = nil
) throws -> pid_t {
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  let streams = [
    (input?.fileHandleForReading, STDIN_FILENO), (output?.fileHandleForWriting, STDOUT_FILENO),
    (errors?.fileHandleForWriting, STDERR_FILENO),
  ]
  for (handle, number) in streams {
    if let handle {
      posix_spawn_file_actions_adddup2(&actions, handle.fileDescriptor, number)
    } else {
      posix_spawn_file_actions_addopen(&actions, number, "/dev/null", O_RDWR, 0)
    }
  }
  // Nor may it hold the other ends, or those of another test.
  for pipe in [input, output, errors].compactMap(\.self) { pipe.keepFromChildren() }
  var arguments = command.map { strdup($0) } + [nil]
  defer { for argument in arguments { free(argument) } }
  var process = pid_t()
  let problem = posix_spawnp(&process, command[0], &actions, nil, &arguments, environ)
  guard problem == 0 else { throw POSIXError(POSIXErrorCode(rawValue: problem) ?? .EIO) }
  return process
}

extension Pipe {
  /// Lets no child process have its ends. One that another test starts meanwhile would hold them as long as it lives, and
  /// whoever reads to the pipe's end would wait for that.
  package func keepFromChildren() {
    for end in [fileHandleForReading, fileHandleForWriting] { _ = fcntl(end.fileDescriptor, F_SETFD, FD_CLOEXEC) }
  }
}

/// Runs a program and waits for its end.
///
/// - Returns: its exit status, or the signal that ended it; and what it wrote to standard error.
package func runProcess(_ path: String, _ arguments: [String]) async throws -> (status: Int32, errors: String) {
  let errors = Pipe()
  let process = try startProcess([path] + arguments, errors: errors)
  try errors.fileHandleForWriting.close()
  return await withCheckedContinuation { ended in
    // Both block.
    Thread.detachNewThread {
      let text = (try? errors.fileHandleForReading.readToEnd()) ?? Data()
      var status: Int32 = 0
      while waitpid(process, &status, 0) < 0, errno == EINTR {}
      let code = status & 0x7f == 0 ? status >> 8 & 0xff : status & 0x7f
      ended.resume(returning: (code, String(decoding: text, as: UTF8.self)))
    }
  }
}
