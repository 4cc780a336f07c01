// The functions of CTroupeShims.h that are the same on every system with POSIX threads. The header says what each of
// them does. `linux.c` and `posix.c` have the functions that depend on the system.
#include "CTroupeShims.h"

#include <errno.h>
#include <fcntl.h>
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

// The handler of the signals that are caught may run on any thread between any two instructions, so all that it does is
// to set a bit and to write a byte. The pipe is there as long as the process, so a handler that is late harms nobody.
static uint64_t caught_signals;
static int signal_pipe[2] = {-1, -1};
static struct sigaction signals_before[64];

static void note_signal(int number) {
  int before = errno;
  // Release: whoever reads the byte and then acquires the word sees the bit.
  __atomic_fetch_or(&caught_signals, UINT64_C(1) << (number - 1), __ATOMIC_RELEASE);
  // A pipe that is full has something to read already.
  ssize_t written = write(signal_pipe[1], "", 1);
  (void)written;
  errno = before;
}

int32_t troupe_open_signals(void) {
  if (signal_pipe[0] >= 0) return signal_pipe[0];
  int ends[2];
  if (pipe(ends) != 0) return -errno;
  for (int end = 0; end < 2; end++) {
    fcntl(ends[end], F_SETFD, FD_CLOEXEC);
    fcntl(ends[end], F_SETFL, O_NONBLOCK);
    signal_pipe[end] = ends[end];
  }
  return signal_pipe[0];
}

bool troupe_catch_signal(int32_t number) {
  if (number < 1 || number > 64) return false;
  // What came before is not for whoever listens from now on.
  __atomic_fetch_and(&caught_signals, ~(UINT64_C(1) << (number - 1)), __ATOMIC_RELAXED);
  struct sigaction action = {.sa_handler = note_signal, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  return sigaction(number, &action, &signals_before[number - 1]) == 0;
}

void troupe_release_signal(int32_t number) { sigaction(number, &signals_before[number - 1], NULL); }

uint64_t troupe_take_signals(void) {
  // Before the bits are taken: a handler that comes between sets its bit and then writes a byte, which stays.
  char bytes[64];
  while (read(signal_pipe[0], bytes, sizeof bytes) > 0) {
  }
  return __atomic_exchange_n(&caught_signals, 0, __ATOMIC_ACQUIRE);
}

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
