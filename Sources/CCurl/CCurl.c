#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "CCurl.h"

#include <fcntl.h>
#if defined(__linux__)
#include <malloc.h>
#endif
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_READY 64

struct curl_slist *ccurl_list_create(const char *lines, const size_t *lengths, size_t count) {
  size_t size = 0;
  for (size_t i = 0; i < count; i++) size += lengths[i];
  struct curl_slist *list = malloc(count * sizeof *list + size);
  if (list == NULL || count == 0) {
    free(list);
    return NULL;
  }
  char *text = (char *)(list + count);
  memcpy(text, lines, size);
  for (size_t i = 0; i < count; i++) {
    list[i] = (struct curl_slist){.data = text, .next = i + 1 < count ? &list[i + 1] : NULL};
    text += lengths[i];
  }
  return list;
}

size_t ccurl_get_address(const struct curl_sockaddr *address, uint8_t *bytes) {
  const void *start = &address->addr;
  if (address->family == AF_INET) {
    memcpy(bytes, &((const struct sockaddr_in *)start)->sin_addr, 4);
    return 4;
  }
  if (address->family == AF_INET6) {
    memcpy(bytes, &((const struct sockaddr_in6 *)start)->sin6_addr, 16);
    return 16;
  }
  return 0;
}

curl_socket_t ccurl_open_socket(const struct curl_sockaddr *address) {
  curl_socket_t socket_fd = socket(address->family, address->socktype, address->protocol);
  // A child process must not hold the connection open.
  if (socket_fd != CURL_SOCKET_BAD) fcntl(socket_fd, F_SETFD, FD_CLOEXEC);
  return socket_fd;
}

void ccurl_release_memory(void) {
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
}

void ccurl_thread_set_name(const char *name) {
#if defined(__linux__)
  pthread_setname_np(pthread_self(), name);
#else
  pthread_setname_np(name);
#endif
}

#if defined(__linux__)

#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

// What is known of a socket whose closing is told. Such a socket is left in epoll between two requests, for its next
// request watches it for the same again.
typedef struct {
  bool kept;
  uint32_t wanted;
  uint32_t registered;
} ccurl_socket;

struct ccurl_events {
  int queue;
  int waker;
  // By descriptor.
  ccurl_socket *sockets;
  size_t socket_count;
  // Whether nobody has chosen another policy for the process, which stays.
  bool may_stand_back;
  bool stands_back;
};

ccurl_events *ccurl_events_create(void) {
  ccurl_events *events = malloc(sizeof *events);
  if (events == NULL) return NULL;
  events->sockets = NULL;
  events->socket_count = 0;
  events->may_stand_back = sched_getscheduler(0) == SCHED_OTHER;
  events->stands_back = false;
  events->queue = epoll_create1(EPOLL_CLOEXEC);
  events->waker = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = events->waker};
  if (events->queue < 0 || events->waker < 0 || epoll_ctl(events->queue, EPOLL_CTL_ADD, events->waker, &event) != 0) {
    ccurl_events_destroy(events);
    return NULL;
  }
  return events;
}

void ccurl_events_destroy(ccurl_events *events) {
  if (events->queue >= 0) close(events->queue);
  if (events->waker >= 0) close(events->waker);
  free(events->sockets);
  free(events);
}

void ccurl_events_wake(ccurl_events *events) {
  uint64_t one = 1;
  // It fails only when the counter is full, and then the loop is awake anyway.
  ssize_t written = write(events->waker, &one, sizeof one);
  (void)written;
}

static ccurl_socket *kept_socket(ccurl_events *events, int fd) {
  if (fd < 0 || (size_t)fd >= events->socket_count || !events->sockets[fd].kept) return NULL;
  return &events->sockets[fd];
}

static int socket_opened(void *context, curl_socket_t fd, curlsocktype purpose) {
  ccurl_events *events = context;
  (void)purpose;
  if (fd >= 0 && (size_t)fd >= events->socket_count) {
    size_t count = (size_t)fd * 2 + 64;
    ccurl_socket *sockets = realloc(events->sockets, count * sizeof *sockets);
    // Without the memory it is watched as if nothing were known of it.
    if (sockets == NULL) return CURL_SOCKOPT_OK;
    memset(sockets + events->socket_count, 0, (count - events->socket_count) * sizeof *sockets);
    events->sockets = sockets;
    events->socket_count = count;
  }
  if (fd >= 0) events->sockets[fd] = (ccurl_socket){.kept = true};
  return CURL_SOCKOPT_OK;
}

static int socket_closed(void *context, curl_socket_t fd) {
  ccurl_events *events = context;
  ccurl_socket *kept = kept_socket(events, fd);
  if (kept != NULL) {
    // By itself it would stay in epoll for as long as a child process has it, too.
    if (kept->registered != 0) epoll_ctl(events->queue, EPOLL_CTL_DEL, fd, NULL);
    *kept = (ccurl_socket){.kept = false};
  }
  return close(fd);
}

void ccurl_events_keep_sockets(ccurl_events *events, CURL *easy) {
  curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, socket_opened);
  curl_easy_setopt(easy, CURLOPT_SOCKOPTDATA, events);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, socket_closed);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, events);
}

void ccurl_events_watch(ccurl_events *events, int fd, bool readable, bool writable) {
  struct epoll_event event = {.events = (readable ? EPOLLIN : 0) | (writable ? EPOLLOUT : 0), .data.fd = fd};
  ccurl_socket *kept = kept_socket(events, fd);
  if (kept != NULL) {
    kept->wanted = event.events;
    if (event.events == 0 || event.events == kept->registered) return;
    kept->registered = event.events;
  }
  if (!readable && !writable) {
    epoll_ctl(events->queue, EPOLL_CTL_DEL, fd, NULL);
  } else if (epoll_ctl(events->queue, EPOLL_CTL_MOD, fd, &event) != 0) {
    epoll_ctl(events->queue, EPOLL_CTL_ADD, fd, &event);
  }
}

static void stand_back(ccurl_events *events, bool stands_back) {
  if (!events->may_stand_back || events->stands_back == stands_back) return;
  int policy = stands_back ? SCHED_BATCH : SCHED_OTHER;
  sched_setscheduler(0, policy, &(struct sched_param){.sched_priority = 0});
  events->stands_back = stands_back;
}

void ccurl_events_step_forward(ccurl_events *events) { stand_back(events, false); }

int ccurl_events_wait(ccurl_events *events, ccurl_event *ready, int capacity, int timeout_ms) {
  struct epoll_event found[MAX_READY];
  if (capacity > MAX_READY) capacity = MAX_READY;
  // A change of the policy costs more than a look, after which most waits of a busy thread are over.
  int count = events->stands_back ? 0 : epoll_wait(events->queue, found, capacity, 0);
  if (count == 0 && timeout_ms != 0) {
    stand_back(events, true);
    count = epoll_wait(events->queue, found, capacity, timeout_ms);
  }
  int sockets = 0;
  for (int i = 0; i < count; i++) {
    if (found[i].data.fd == events->waker) {
      uint64_t wakes;
      ssize_t length = read(events->waker, &wakes, sizeof wakes);
      (void)length;
      continue;
    }
    ccurl_socket *kept = kept_socket(events, found[i].data.fd);
    if (kept != NULL && kept->wanted == 0) {
      // Nobody's at the moment, and closed by its server: libcurl finds out when it wants to use it.
      epoll_ctl(events->queue, EPOLL_CTL_DEL, found[i].data.fd, NULL);
      kept->registered = 0;
      continue;
    }
    ready[sockets++] = (ccurl_event){
        .fd = found[i].data.fd,
        .readable = (found[i].events & EPOLLIN) != 0,
        .writable = (found[i].events & EPOLLOUT) != 0,
        .failed = (found[i].events & (EPOLLERR | EPOLLHUP)) != 0,
    };
  }
  return sockets;
}

#else

// macOS and the BSDs. Compiled there, but run only on Linux so far.

#include <sys/event.h>

#define WAKER 1

struct ccurl_events {
  int queue;
};

ccurl_events *ccurl_events_create(void) {
  ccurl_events *events = malloc(sizeof *events);
  if (events == NULL) return NULL;
  events->queue = kqueue();
  struct kevent event;
  EV_SET(&event, WAKER, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
  if (events->queue < 0 || kevent(events->queue, &event, 1, NULL, 0, NULL) != 0) {
    ccurl_events_destroy(events);
    return NULL;
  }
  return events;
}

void ccurl_events_destroy(ccurl_events *events) {
  if (events->queue >= 0) close(events->queue);
  free(events);
}

void ccurl_events_step_forward(ccurl_events *events) { (void)events; }

void ccurl_events_wake(ccurl_events *events) {
  struct kevent event;
  EV_SET(&event, WAKER, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
  kevent(events->queue, &event, 1, NULL, 0, NULL);
}

void ccurl_events_keep_sockets(ccurl_events *events, CURL *easy) {
  (void)events;
  (void)easy;
}

void ccurl_events_watch(ccurl_events *events, int fd, bool readable, bool writable) {
  struct kevent change;
  EV_SET(&change, fd, EVFILT_READ, readable ? EV_ADD : EV_DELETE, 0, 0, NULL);
  kevent(events->queue, &change, 1, NULL, 0, NULL);
  EV_SET(&change, fd, EVFILT_WRITE, writable ? EV_ADD : EV_DELETE, 0, 0, NULL);
  kevent(events->queue, &change, 1, NULL, 0, NULL);
}

int ccurl_events_wait(ccurl_events *events, ccurl_event *ready, int capacity, int timeout_ms) {
  struct kevent found[MAX_READY];
  struct timespec timeout = {.tv_sec = timeout_ms / 1000, .tv_nsec = (long)(timeout_ms % 1000) * 1000000};
  int count = kevent(
      events->queue, NULL, 0, found, capacity < MAX_READY ? capacity : MAX_READY, timeout_ms < 0 ? NULL : &timeout);
  int sockets = 0;
  for (int i = 0; i < count; i++) {
    if (found[i].filter == EVFILT_USER) continue;
    ready[sockets++] = (ccurl_event){
        .fd = (int)found[i].ident,
        .readable = found[i].filter == EVFILT_READ,
        .writable = found[i].filter == EVFILT_WRITE,
        .failed = (found[i].flags & EV_ERROR) != 0,
    };
  }
  return sockets;
}

#endif
