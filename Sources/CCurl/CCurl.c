#include "CCurl.h"

#include <stdlib.h>
#include <unistd.h>

#define MAX_READY 64

#if defined(__linux__)

#include <sys/epoll.h>
#include <sys/eventfd.h>

struct ccurl_events {
  int queue;
  int waker;
};

ccurl_events *ccurl_events_create(void) {
  ccurl_events *events = malloc(sizeof *events);
  if (events == NULL) return NULL;
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
  free(events);
}

void ccurl_events_wake(ccurl_events *events) {
  uint64_t one = 1;
  // It fails only when the counter is full, and then the loop is awake anyway.
  ssize_t written = write(events->waker, &one, sizeof one);
  (void)written;
}

void ccurl_events_watch(ccurl_events *events, int fd, bool readable, bool writable) {
  struct epoll_event event = {.events = (readable ? EPOLLIN : 0) | (writable ? EPOLLOUT : 0), .data.fd = fd};
  if (!readable && !writable) {
    epoll_ctl(events->queue, EPOLL_CTL_DEL, fd, NULL);
  } else if (epoll_ctl(events->queue, EPOLL_CTL_MOD, fd, &event) != 0) {
    epoll_ctl(events->queue, EPOLL_CTL_ADD, fd, &event);
  }
}

int ccurl_events_wait(ccurl_events *events, ccurl_event *ready, int capacity, int timeout_ms) {
  struct epoll_event found[MAX_READY];
  int count = epoll_wait(events->queue, found, capacity < MAX_READY ? capacity : MAX_READY, timeout_ms);
  int sockets = 0;
  for (int i = 0; i < count; i++) {
    if (found[i].data.fd == events->waker) {
      uint64_t wakes;
      ssize_t length = read(events->waker, &wakes, sizeof wakes);
      (void)length;
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

void ccurl_events_wake(ccurl_events *events) {
  struct kevent event;
  EV_SET(&event, WAKER, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
  kevent(events->queue, &event, 1, NULL, 0, NULL);
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
