// A controlling scheduler for the model checker: the threads of a scenario are fibers on one thread of the system, and each
// of their operations on shared words asks here which of them goes on. Exploration is depth first, by replay, over all
// choices with at most a number of preemptions (Musuvathi and Qadeer, "Iterative Context Bounding for Systematic Testing of
// Multithreaded Programs", PLDI 2007).
#ifndef CTROUPE_MODEL_H
#define CTROUPE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TROUPE_MODEL_THREADS 6

// MARK: Operations, from the words of the program

enum troupe_model_operation {
  TROUPE_MODEL_LOAD,
  TROUPE_MODEL_STORE,
  TROUPE_MODEL_EXCHANGE,
  TROUPE_MODEL_COMPARE,
  TROUPE_MODEL_ADD,
  TROUPE_MODEL_SUBTRACT,
  TROUPE_MODEL_AND,
  TROUPE_MODEL_OR,
  TROUPE_MODEL_PAUSE,
  TROUPE_MODEL_WAIT,
  TROUPE_MODEL_WAKE,
  TROUPE_MODEL_TIMEOUT,
  TROUPE_MODEL_STEP,
  TROUPE_MODEL_START,
};

/// One operation on a word of 1, 4 or 8 bytes: asks the controller, then does it with the ordering asked for, so that the
/// thread sanitizer sees what the program would have without a controller. Returns the value before.
uint64_t troupe_model_word(
  void *word, int32_t size, int32_t operation, uint64_t operand, int32_t ordering);
/// The same for a compare-exchange; `ordering` is that of success.
uint64_t troupe_model_compare_exchange(
  void *word, int32_t size, uint64_t expected, uint64_t desired, int32_t ordering, int32_t failureOrdering,
  bool *exchanged);

/// A spin loop: the thread goes on when another one has changed something.
void troupe_model_pause(void);
bool troupe_model_futex_wait(uint32_t *word, uint32_t expected, int64_t nanoseconds);
void troupe_model_futex_wake(uint32_t *word, int32_t count);
/// A clock that stands still, but for a thread whose wait has timed out.
int64_t troupe_model_clock(void);
/// A choice without an operation.
void troupe_model_step(void);
/// What the caller does until it is turned off is no choice, and must change nothing.
void troupe_model_set_quiet(bool quiet);

// MARK: Threads that rest

/// Asks for a run of a thread that rests: as many runs as were asked for, one after the other. What the caller did comes before it.
/// Outside of an execution: the next one begins with it.
void troupe_model_start(int32_t thread);
/// Rests until the next run. False: the execution is over, and nothing can happen any more.
bool troupe_model_rest(void);
/// Waits until nobody else can go on, or, if it may be early, for any time up to that.
void troupe_model_wait_for_time(bool may_be_early);
/// The caller is a thread of a scenario.
bool troupe_model_is_inside(void);

/// What the program keeps in variables of the thread.
enum troupe_model_local_name { TROUPE_MODEL_WORKER, TROUPE_MODEL_LOOP, TROUPE_MODEL_MAY_BLOCK, TROUPE_MODEL_LOCALS };
uintptr_t troupe_model_local(enum troupe_model_local_name name);
void troupe_model_set_local(enum troupe_model_local_name name, uintptr_t value);

// MARK: Exploration

enum troupe_model_end {
  TROUPE_MODEL_DONE,
  /// Nobody can go on, and somebody has not finished.
  TROUPE_MODEL_STUCK,
  /// More steps than any execution should have.
  TROUPE_MODEL_ENDLESS,
  /// The same choices led elsewhere: the scenario is not deterministic.
  TROUPE_MODEL_DIVERGED,
};

typedef void (*troupe_model_body)(void *context, int32_t thread);

/// Starts an exploration: the first execution comes next. The first `resting` threads rest until they are started, and when all others
/// have finished the execution is over.
void troupe_model_begin(int32_t threads, int32_t resting, int32_t preemptions);
/// One execution: calls `body` once for each thread, interleaved by the choices that are next.
enum troupe_model_end troupe_model_execute(troupe_model_body body, void *context);
/// Goes to the next choices. False if there are none left.
bool troupe_model_advance(void);
/// Random choices with at most `preemptions` instead, from a seed.
void troupe_model_randomize(int32_t threads, int32_t resting, int32_t preemptions, uint64_t seed);

// MARK: What the last execution did

struct troupe_model_event {
  int32_t thread;
  int32_t operation;
  int32_t ordering;
  const void *word;
  uint64_t before;
  uint64_t after;
};
int32_t troupe_model_event_count(void);
struct troupe_model_event troupe_model_event_at(int32_t index);
/// Operations of the last execution at which a choice could be made.
int64_t troupe_model_step_count(void);

/// Bytes that the program has from the allocator; 0 where the allocator does not tell.
int64_t troupe_model_allocated(void);
/// Tells the thread sanitizer that the caller writes to all of a block of the allocator's.
void troupe_model_writes_over(void *block);
/// This build has the thread sanitizer.
bool troupe_model_shows_races(void);

#endif
