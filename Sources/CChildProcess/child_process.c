#include "child_process.h"

const char *const worker_child_marker = "--become-child-process";

// Linux ends a process when the thread that made it ends, where the process itself asks for that. posix_spawn cannot ask
// for it, and neither can swift-subprocess, so the child begins as this binary: it asks, and becomes the program. It does so
// before main, for Swift's runtime has nothing to do here. glibc gives a constructor the arguments; others do not.
// Defines __GLIBC__ where the library is that one.
#include <limits.h>

#if defined(__linux__) && defined(__GLIBC__)

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

int worker_child_is_supported(void) { return 1; }

__attribute__((constructor)) static void become_program(int argc, char **argv, char **environment) {
  (void)environment;
  if (argc < 5 || strcmp(argv[1], worker_child_marker) != 0) return;
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
    dprintf(STDERR_FILENO, "cannot be tied to the worker: %s\n", strerror(errno));
    _exit(126);
  }
  // It may have ended before.
  if (getppid() != (pid_t)strtol(argv[2], NULL, 10)) _exit(126);
  if (strcmp(argv[3], "-") != 0) unsetenv(argv[3]);
  execv(argv[4], argv + 4);
  dprintf(STDERR_FILENO, "cannot run %s: %s\n", argv[4], strerror(errno));
  _exit(errno == ENOENT ? 127 : 126);
}

#else

int worker_child_is_supported(void) { return 0; }

#endif
