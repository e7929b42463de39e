#ifndef WORKER_CHILD_PROCESS_H
#define WORKER_CHILD_PROCESS_H

/// A binary that is run with this as its first argument becomes another program, which ends when its parent ends:
///
///     <binary> <marker> <process id of the parent> <variable to remove, or -> <path of the program> <its arguments…>
extern const char *const worker_child_marker;

/// Whether that is so on this system.
int worker_child_is_supported(void);

#endif
