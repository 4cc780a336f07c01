// Readiness by poll, for systems without epoll. It costs time in proportion to the number of descriptors.
#if !defined(__linux__) || defined(TROUPE_PORTABLE)
#include "CTroupeSockets.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct troupe_poller {
  pthread_mutex_t lock;
  /// The descriptors, and their tokens at the same places. The first is the reading end of the pipe.
  struct pollfd *entries;
  uint64_t *tokens;
  size_t count, capacity;
  int pipe[2];
};

static bool grow(troupe_poller *poller) {
  if (poller->count < poller->capacity) return true;
  size_t capacity = poller->capacity == 0 ? 64 : poller->capacity * 2;
  struct pollfd *entries = realloc(poller->entries, capacity * sizeof *entries);
  if (entries == NULL) return false;
  poller->entries = entries;
  uint64_t *tokens = realloc(poller->tokens, capacity * sizeof *tokens);
  if (tokens == NULL) return false;
  poller->tokens = tokens;
  poller->capacity = capacity;
  return true;
}

troupe_poller *troupe_poller_create(void) {
  troupe_poller *poller = calloc(1, sizeof *poller);
  if (poller == NULL) return NULL;
  if (pipe(poller->pipe) < 0) {
    free(poller);
    return NULL;
  }
  for (int i = 0; i < 2; i++) {
    fcntl(poller->pipe[i], F_SETFL, O_NONBLOCK);
    fcntl(poller->pipe[i], F_SETFD, FD_CLOEXEC);
  }
  pthread_mutex_init(&poller->lock, NULL);
  grow(poller);
  poller->entries[0] = (struct pollfd){.fd = poller->pipe[0], .events = POLLIN};
  poller->tokens[0] = UINT64_MAX;
  poller->count = 1;
  return poller;
}

void troupe_poller_destroy(troupe_poller *poller) {
  close(poller->pipe[0]);
  close(poller->pipe[1]);
  pthread_mutex_destroy(&poller->lock);
  free(poller->entries);
  free(poller->tokens);
  free(poller);
}

int32_t troupe_poller_add(troupe_poller *poller, int32_t descriptor, uint64_t token) {
  pthread_mutex_lock(&poller->lock);
  bool fits = grow(poller);
  if (fits) {
    poller->entries[poller->count] = (struct pollfd){.fd = descriptor, .events = POLLIN | POLLOUT};
    poller->tokens[poller->count++] = token;
  }
  pthread_mutex_unlock(&poller->lock);
  if (!fits) return -ENOMEM;
  troupe_poller_wake(poller);
  return 0;
}

static size_t place(troupe_poller *poller, int32_t descriptor) {
  for (size_t i = 1; i < poller->count; i++) {
    if (poller->entries[i].fd == descriptor) return i;
  }
  return 0;
}

int32_t troupe_poller_remove(troupe_poller *poller, int32_t descriptor) {
  pthread_mutex_lock(&poller->lock);
  size_t at = place(poller, descriptor);
  if (at != 0) {
    poller->count--;
    poller->entries[at] = poller->entries[poller->count];
    poller->tokens[at] = poller->tokens[poller->count];
  }
  pthread_mutex_unlock(&poller->lock);
  troupe_poller_wake(poller);
  return at == 0 ? -ENOENT : 0;
}

int32_t troupe_poller_want(troupe_poller *poller, int32_t descriptor, uint32_t events) {
  pthread_mutex_lock(&poller->lock);
  size_t at = place(poller, descriptor);
  short wanted = (short)((events & TROUPE_READABLE ? POLLIN : 0) | (events & TROUPE_WRITABLE ? POLLOUT : 0));
  bool changes = at != 0 && (poller->entries[at].events | wanted) != poller->entries[at].events;
  if (changes) poller->entries[at].events |= wanted;
  pthread_mutex_unlock(&poller->lock);
  if (changes) troupe_poller_wake(poller);
  return at == 0 ? -ENOENT : 0;
}
bool troupe_poller_is_told(void) { return true; }

int32_t troupe_poller_wait(troupe_poller *poller, troupe_ready *ready, int32_t capacity, bool block) {
  pthread_mutex_lock(&poller->lock);
  size_t count = poller->count;
  struct pollfd *entries = malloc(count * sizeof *entries);
  if (entries != NULL) {
    memcpy(entries, poller->entries, count * sizeof *entries);
    for (size_t i = 0; i < count; i++) if (entries[i].events == 0) entries[i].fd = ~entries[i].fd;
  }
  pthread_mutex_unlock(&poller->lock);
  if (entries == NULL) return 0;
  int found = poll(entries, (nfds_t)count, block ? -1 : 0);
  int32_t written = 0;
  if (found > 0) {
    if (entries[0].revents != 0) {
      char bytes[64];
      while (read(poller->pipe[0], bytes, sizeof bytes) > 0) {}
    }
    pthread_mutex_lock(&poller->lock);
    for (size_t i = 1; i < count && written < capacity; i++) {
      short bits = entries[i].revents;
      if (bits == 0) continue;
      size_t at = i < poller->count && poller->entries[i].fd == entries[i].fd ? i : place(poller, entries[i].fd);
      if (at == 0) continue;
      // What was reported is not asked for again before its owner wants it.
      poller->entries[at].events &= (short)~bits;
      if (bits & (POLLHUP | POLLERR | POLLNVAL)) poller->entries[at].events = 0;
      ready[written].token = poller->tokens[at];
      ready[written].events = (bits & (POLLIN | POLLHUP | POLLERR) ? TROUPE_READABLE : 0)
        | (bits & (POLLOUT | POLLHUP | POLLERR) ? TROUPE_WRITABLE : 0)
        | (bits & (POLLHUP | POLLERR | POLLNVAL) ? TROUPE_BROKEN : 0)
        // poll does not tell of the end of the peer's side alone, so the owner reads until there is nothing.
        | (bits & (POLLIN | POLLHUP | POLLERR) ? TROUPE_ENDED : 0);
      written++;
    }
    pthread_mutex_unlock(&poller->lock);
  }
  free(entries);
  return written;
}

void troupe_poller_wake(troupe_poller *poller) {
  ssize_t written = write(poller->pipe[1], "w", 1);
  (void)written;
}
#endif
