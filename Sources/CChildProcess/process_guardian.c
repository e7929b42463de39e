#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "process_guardian.h"

#include <errno.h>
// Defines __GLIBC__ where the library is that one.
#include <limits.h>

#if defined(__linux__) && defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)

#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const char marker[] = "--guard-process-groups";

static size_t take(pid_t *groups, size_t count, pid_t record) {
  // 1 and -1 would mean all processes.
  if (record > 1) {
    groups[count++] = record;
  } else {
    size_t i = 0;
    while (i < count && groups[i] != -record) i++;
    if (i < count) groups[i] = groups[--count];
  }
  return count;
}

// Before main, for Swift's runtime has nothing to do here. glibc gives a constructor the arguments.
__attribute__((constructor)) static void guard(int argc, char **argv, char **environment) {
  (void)environment;
  if (argc != 2 || strcmp(argv[1], marker) != 0) return;
  prctl(PR_SET_NAME, "worker-guardian");
  pid_t records[1024];
  pid_t *groups = NULL;
  size_t count = 0;
  ssize_t length;
  // What is written is whole records, and so is what is read.
  while ((length = read(STDIN_FILENO, records, sizeof records)) != 0) {
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) break;
    size_t more = (size_t)length / sizeof *records;
    groups = realloc(groups, (count + more) * sizeof *groups);
    // The worker starts another guardian.
    if (groups == NULL) _exit(1);
    for (size_t i = 0; i < more; i++) count = take(groups, count, records[i]);
  }
  for (size_t i = 0; i < count; i++) kill(-groups[i], SIGKILL);
  _exit(0);
}

int worker_guardian_start(pid_t *guardian) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return -1;
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, ends[1], STDIN_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&files, STDIN_FILENO + 1);
  posix_spawn_file_actions_addchdir_np(&files, "/");
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t signals;
  sigfillset(&signals);
  posix_spawnattr_setsigmask(&attributes, &signals);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
  char *arguments[] = {program_invocation_name, (char *)marker, NULL};
  int problem = posix_spawn(guardian, "/proc/self/exe", &files, &attributes, arguments, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  close(ends[1]);
  if (problem == 0) return ends[0];
  close(ends[0]);
  errno = problem;
  return -1;
}

int worker_guardian_tell(int guardian_socket, const pid_t *groups, size_t count) {
  ssize_t size = (ssize_t)(count * sizeof *groups);
  // One that reads no more, however that is, is as good as dead.
  return send(guardian_socket, groups, (size_t)size, MSG_NOSIGNAL | MSG_DONTWAIT) == size ? 0 : -1;
}

void worker_guardian_dismiss(int guardian_socket, pid_t guardian) {
  // First, for it kills what it knows when the socket is closed.
  kill(guardian, SIGKILL);
  while (waitpid(guardian, NULL, 0) < 0 && errno == EINTR) continue;
  close(guardian_socket);
}

#else

int worker_guardian_start(pid_t *guardian) {
  (void)guardian;
  errno = ENOSYS;
  return -1;
}

int worker_guardian_tell(int guardian_socket, const pid_t *groups, size_t count) {
  (void)guardian_socket;
  (void)groups;
  (void)count;
  return -1;
}

void worker_guardian_dismiss(int guardian_socket, pid_t guardian) {
  (void)guardian_socket;
  (void)guardian;
}

#endif
