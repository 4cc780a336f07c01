// The functions of CTroupeShims.h that are the same on every system with POSIX threads. The header says what each of
// them does. `linux.c` and `posix.c` have the functions that depend on the system.
#include "CTroupeShims.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

void troupe_thread_yield(void) { sched_yield(); }

static _Thread_local void *current_worker;

void *troupe_current_worker(void) { return current_worker; }
void troupe_set_current_worker(void *worker) { current_worker = worker; }

static _Thread_local bool may_block;

bool troupe_may_block(void) { return may_block; }
void troupe_set_may_block(bool may) { may_block = may; }

static _Thread_local bool is_listening;

bool troupe_enter_listener(void) {
  if (is_listening) return false;
  is_listening = true;
  return true;
}
void troupe_leave_listener(void) { is_listening = false; }

static _Thread_local void *current_loop;

void *troupe_current_loop(void) { return current_loop; }
void troupe_set_current_loop(void *loop) { current_loop = loop; }

// These are set while other threads may already look at them, so they are atomic. A thread that finds a job to go on
// with got the job from a hook, so it finds `go_on` set.
static bool (*wait_a_turn)(void *worker, void *loop, void *job);
static void (*go_on)(void *loop, void *job);

void troupe_set_yield_hooks(bool (*wait)(void *, void *, void *), void (*go)(void *, void *)) {
  __atomic_store_n(&go_on, go, __ATOMIC_RELEASE);
  __atomic_store_n(&wait_a_turn, wait, __ATOMIC_RELEASE);
}

bool troupe_yield_on_worker(void *job) {
  bool (*wait)(void *, void *, void *) = __atomic_load_n(&wait_a_turn, __ATOMIC_ACQUIRE);
  return current_worker != NULL && wait != NULL && wait(current_worker, current_loop, job);
}

void troupe_go_on(void *loop, void *job) { __atomic_load_n(&go_on, __ATOMIC_ACQUIRE)(loop, job); }

void troupe_opaque_nothing(void) { __asm__ __volatile__(""); }

static _Thread_local uint64_t random_state;

void troupe_random_seed(uint64_t seed) { random_state = seed; }

// SplitMix64.
uint64_t troupe_random_next(void) {
  if (random_state == 0) random_state = (uint64_t)troupe_clock_now() ^ ((uint64_t)troupe_thread_self() << 20);
  uint64_t z = (random_state += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

static _Thread_local void *parking;

void troupe_park_at(void *place) { parking = place; }
void *troupe_take_parking(void) {
  void *place = parking;
  parking = NULL;
  return place;
}

uintptr_t troupe_ignore_signal(int32_t number) { return (uintptr_t)signal(number, SIG_IGN); }
void troupe_restore_signal(int32_t number, uintptr_t before) { signal(number, (void (*)(int))before); }

// What a new thread is to do.
struct start {
  void (*body)(void *);
  void *argument;
};

static void *run_thread(void *opaque) {
  // The memory was allocated by `troupe_thread_start`, and belongs to this thread.
  struct start start = *(struct start *)opaque;
  free(opaque);
  start.body(start.argument);
  return NULL;
}

int32_t troupe_thread_start(void (*body)(void *), void *argument) {
  struct start *start = malloc(sizeof *start);
  if (start == NULL) return ENOMEM;
  start->body = body;
  start->argument = argument;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_t thread;
  int result = pthread_create(&thread, &attributes, run_thread, start);
  pthread_attr_destroy(&attributes);
  if (result != 0) free(start);
  return result;
}

void troupe_write_stderr(const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t written = write(2, bytes, length);
    if (written < 0) {
      if (errno == EINTR) continue;
      return;
    }
    bytes += written;
    length -= (size_t)written;
  }
}

uintptr_t troupe_thread_self(void) { return (uintptr_t)pthread_self(); }
