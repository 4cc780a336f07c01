// Readiness by epoll (Linux): edge-triggered, and registered once.
#if defined(__linux__) && !defined(TROUPE_PORTABLE)
#include "CTroupeSockets.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct troupe_poller {
  int epoll;
  /// Written to in order to wake the thread that waits. Its token is the largest number, which no descriptor has.
  int wake;
};

troupe_poller *troupe_poller_create(void) {
  troupe_poller *poller = malloc(sizeof *poller);
  if (poller == NULL) return NULL;
  poller->epoll = epoll_create1(EPOLL_CLOEXEC);
  poller->wake = poller->epoll < 0 ? -1 : eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = UINT64_MAX};
  if (poller->wake < 0 || epoll_ctl(poller->epoll, EPOLL_CTL_ADD, poller->wake, &event) < 0) {
    int error = errno;
    if (poller->wake >= 0) close(poller->wake);
    if (poller->epoll >= 0) close(poller->epoll);
    free(poller);
    errno = error;
    return NULL;
  }
  return poller;
}

void troupe_poller_destroy(troupe_poller *poller) {
  close(poller->wake);
  close(poller->epoll);
  free(poller);
}

int32_t troupe_poller_add(troupe_poller *poller, int32_t descriptor, uint64_t token) {
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.u64 = token};
  return epoll_ctl(poller->epoll, EPOLL_CTL_ADD, descriptor, &event) < 0 ? -errno : 0;
}

int32_t troupe_poller_remove(troupe_poller *poller, int32_t descriptor) {
  struct epoll_event event = {0};
  return epoll_ctl(poller->epoll, EPOLL_CTL_DEL, descriptor, &event) < 0 ? -errno : 0;
}

int32_t troupe_poller_want(troupe_poller *poller, int32_t descriptor, uint32_t events) { return 0; }
bool troupe_poller_is_told(void) { return false; }

int32_t troupe_poller_wait(troupe_poller *poller, troupe_ready *ready, int32_t capacity, bool block) {
  struct epoll_event events[256];
  if (capacity > 256) capacity = 256;
  int found = epoll_wait(poller->epoll, events, capacity, block ? -1 : 0);
  int32_t count = 0;
  for (int i = 0; i < found; i++) {
    uint32_t bits = events[i].events;
    if (events[i].data.u64 == UINT64_MAX) {
      // The count in the descriptor need not be read: it is edge-triggered, so each write is reported once.
      continue;
    }
    ready[count].token = events[i].data.u64;
    ready[count].events = (bits & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR) ? TROUPE_READABLE : 0)
      | (bits & (EPOLLOUT | EPOLLHUP | EPOLLERR) ? TROUPE_WRITABLE : 0)
      | (bits & (EPOLLERR | EPOLLHUP) ? TROUPE_BROKEN : 0)
      | (bits & (EPOLLRDHUP | EPOLLHUP | EPOLLERR) ? TROUPE_ENDED : 0);
    count++;
  }
  return count;
}

void troupe_poller_wake(troupe_poller *poller) {
  uint64_t one = 1;
  ssize_t written = write(poller->wake, &one, sizeof one);
  (void)written;
}
#endif
