// The functions of CTroupeShims.h that depend on the system, for every system with POSIX threads. The header says what
// each of them does. Linux has `linux.c` instead, unless the package is built with TROUPE_PORTABLE.
#include "CTroupeShims.h"

#if !defined(__linux__) || defined(TROUPE_PORTABLE)

#include <pthread.h>
#include <time.h>
#include <unistd.h>

void *troupe_allocate_huge(size_t bytes) { return troupe_allocate_aligned(bytes, bytes); }

void troupe_expect_allocations(size_t bytes) { (void)bytes; }

void troupe_return_free_memory(void) {}

int64_t troupe_clock_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
// POSIX has no clock that is cheaper, so the coarse clock is the exact one, and is never behind.
int64_t troupe_clock_coarse(void) { return troupe_clock_now(); }
int64_t troupe_clock_coarse_tick(void) { return 0; }

void troupe_sleep_exactly(void) {}

int32_t troupe_processor_count(void) {
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? (int32_t)online : 1;
}

// The futexes are a static table of queues, as in the parking lot of WebKit: the address of a word says in which queue
// its sleepers are. A sleeper looks at the word while it holds the queue's mutex, and a waker takes the mutex after it
// has changed the word. So either the sleeper sees the change, or the waker finds the sleeper in the queue.

// A thread that sleeps. Its memory belongs to the queue for good: a waker signals the condition after it has unlocked
// the mutex, when the thread may have gone on already, and another may use the memory. That one is then woken for
// nothing, and sleeps on.
struct sleeper {
  struct sleeper *next;
  const uint32_t *word;
  // Whether a waker has taken it out of the queue.
  bool is_woken;
  pthread_cond_t woken;
};

struct queue {
  _Alignas(64) pthread_mutex_t mutex;
  // The sleepers of all words of this queue, the oldest first.
  struct sleeper *first, *last;
  // Memory for sleepers to come.
  struct sleeper *unused;
};

#define QUEUE { PTHREAD_MUTEX_INITIALIZER, NULL, NULL, NULL }
#define FOUR(it) it, it, it, it
static struct queue queues[256] = {FOUR(FOUR(FOUR(FOUR(QUEUE))))};

static struct queue *queue_of(const uint32_t *word) {
  // Fibonacci hashing: neighbours are far apart in the table.
  return &queues[((uint64_t)(uintptr_t)word >> 2) * UINT64_C(0x9E3779B97F4A7C15) >> 56];
}

static struct sleeper *make_sleeper(void) {
  struct sleeper *sleeper = troupe_allocate(sizeof *sleeper);
#if defined(__APPLE__)
  int result = pthread_cond_init(&sleeper->woken, NULL);
#else
  pthread_condattr_t attributes;
  int result = pthread_condattr_init(&attributes);
  if (result == 0) result = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  if (result == 0) result = pthread_cond_init(&sleeper->woken, &attributes);
  pthread_condattr_destroy(&attributes);
#endif
  if (result != 0) abort();
  return sleeper;
}

static void append(struct queue *queue, struct sleeper *sleeper) {
  sleeper->next = NULL;
  if (queue->first == NULL) {
    queue->first = sleeper;
  } else {
    queue->last->next = sleeper;
  }
  queue->last = sleeper;
}

// Takes out the one that `previous` precedes, or the first one if that is NULL.
static void take_out(struct queue *queue, struct sleeper *previous, struct sleeper *sleeper) {
  if (previous == NULL) {
    queue->first = sleeper->next;
  } else {
    previous->next = sleeper->next;
  }
  if (queue->last == sleeper) queue->last = previous;
}

// Sleeps until the clock shows `end`, until the condition is signalled, or for no reason less long.
static void sleep_until(int64_t end, struct sleeper *sleeper, struct queue *queue) {
#if defined(__APPLE__)
  int64_t left = end - troupe_clock_now();
  if (left < 0) left = 0;
  struct timespec limit = {.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
  pthread_cond_timedwait_relative_np(&sleeper->woken, &queue->mutex, &limit);
#else
  struct timespec limit = {.tv_sec = end / 1000000000, .tv_nsec = end % 1000000000};
  pthread_cond_timedwait(&sleeper->woken, &queue->mutex, &limit);
#endif
}

bool troupe_futex_wait(uint32_t *word, uint32_t expected, int64_t nanoseconds) {
  // Some systems cannot sleep for centuries. After a day the thread wakes for no reason, which is allowed.
  const int64_t longest = INT64_C(86400) * 1000000000;
  int64_t end = nanoseconds < 0 ? -1 : troupe_clock_now() + (nanoseconds < longest ? nanoseconds : longest);
  struct queue *queue = queue_of(word);
  pthread_mutex_lock(&queue->mutex);
  // Relaxed, because the mutex orders the load after the change by a waker that found nobody.
  if (__atomic_load_n(word, __ATOMIC_RELAXED) != expected) {
    pthread_mutex_unlock(&queue->mutex);
    return true;
  }
  struct sleeper *sleeper = queue->unused;
  if (sleeper != NULL) {
    queue->unused = sleeper->next;
  } else {
    sleeper = make_sleeper();
  }
  sleeper->word = word;
  sleeper->is_woken = false;
  append(queue, sleeper);

  while (!sleeper->is_woken) {
    if (nanoseconds < 0) {
      pthread_cond_wait(&sleeper->woken, &queue->mutex);
    } else if (troupe_clock_now() < end) {
      sleep_until(end, sleeper, queue);
    } else {
      break;
    }
  }
  bool is_woken = sleeper->is_woken;
  if (!is_woken) {
    struct sleeper *previous = NULL;
    for (struct sleeper *each = queue->first; each != sleeper; each = each->next) previous = each;
    take_out(queue, previous, sleeper);
  }
  sleeper->next = queue->unused;
  queue->unused = sleeper;
  pthread_mutex_unlock(&queue->mutex);
  return is_woken || nanoseconds > longest;
}

// Wakes the one that has slept the longest. Returns false if nobody sleeps.
static bool wake_one(const uint32_t *word) {
  struct queue *queue = queue_of(word);
  pthread_mutex_lock(&queue->mutex);
  struct sleeper *previous = NULL, *sleeper = queue->first;
  while (sleeper != NULL && sleeper->word != word) {
    previous = sleeper;
    sleeper = sleeper->next;
  }
  if (sleeper != NULL) {
    take_out(queue, previous, sleeper);
    sleeper->is_woken = true;
  }
  pthread_mutex_unlock(&queue->mutex);
  // Not under the mutex, which the sleeper takes as soon as it wakes.
  if (sleeper != NULL) pthread_cond_signal(&sleeper->woken);
  return sleeper != NULL;
}

void troupe_futex_wake(uint32_t *word, int32_t count) {
  while (count > 0 && wake_one(word)) count--;
}

#endif
