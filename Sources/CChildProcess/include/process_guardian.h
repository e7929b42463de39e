#ifndef WORKER_PROCESS_GUARDIAN_H
#define WORKER_PROCESS_GUARDIAN_H

#include <stddef.h>
#include <sys/types.h>

/// Starts this binary as a guardian: a process that is told of process groups, and kills those that it knows when the
/// other end of its socket is closed. That happens when the caller ends, in whatever way.
///
/// It is in a session of its own, no signal that can be blocked reaches it, and it keeps no other file of the caller's.
///
/// - Parameter guardian: Its process id.
/// - Returns: the socket, which no program inherits, or -1 with errno.
int worker_guardian_start(pid_t *guardian);

/// Tells a guardian of process groups: those that have begun as they are, those that have ended with a minus.
///
/// - Returns: 0, or -1 where it does not listen. It waits for nothing.
int worker_guardian_tell(int guardian_socket, const pid_t *groups, size_t count);

/// Ends a guardian without what it guards.
void worker_guardian_dismiss(int guardian_socket, pid_t guardian);

#endif
