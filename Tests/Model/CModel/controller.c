#define _GNU_SOURCE
#include "CModel.h"
#include "controller.h"
#include "fibers.h"
#include "locals.h"
#include "runtime.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MODEL_TSAN 1
void __tsan_acquire(void *);
void __tsan_release(void *);
void __tsan_write_range(void *, size_t);
#endif
#endif

// What is here must be invisible to the thread sanitizer: it would see edges that the program does not have.
#pragma clang attribute push(__attribute__((no_sanitize("thread"))), apply_to = function)

enum { max_choices = 1 << 16, max_events = 1 << 14, max_steps = 20000 };

enum status { ready, spinning, sleeping, resting, waiting, finished };

struct thread {
  enum status status;
  const uint32_t *futex;
  uint64_t line;
  int64_t timeout;
  bool timed_out;
  int64_t clock;
  /// Runs that were asked for and have not begun.
  int32_t starts;
  /// Waits for time to pass, and may go on before nobody else can.
  bool may_be_early;
  /// Changes by this thread, and by others as of its last pause.
  uint64_t changes;
  uint64_t seen;
  const void *last_load;
  uint64_t last_load_seen;
};

struct choice {
  uint8_t options[TROUPE_MODEL_THREADS];
  uint8_t count;
  uint8_t index;
};

static struct thread threads[TROUPE_MODEL_THREADS];
static int32_t thread_count, resting_count;
static int32_t current = -1;
/// The thread looks at words for the scenario's sake.
static bool is_quiet;
/// Before an execution.
static int32_t first_starts[TROUPE_MODEL_THREADS];
/// Nothing can happen any more: those that rest are let go, to end.
static bool is_over;
static uint64_t all_changes, line;
static int32_t bound, preemptions;
static int64_t steps;
static enum troupe_model_end end;

static struct choice choices[max_choices];
static int32_t choice_count, position;
static bool is_random;
static uint64_t random_state;

static struct troupe_model_event events[max_events];
static int32_t event_count;

static troupe_model_body the_body;
static void *the_context;
static char start_token, end_token, run_tokens[TROUPE_MODEL_THREADS];

// MARK: Who can go on

static uint64_t others_changes(int32_t index) { return all_changes - threads[index].changes; }

static bool is_enabled(int32_t index) {
  struct thread *thread = &threads[index];
  switch (thread->status) {
  case ready: return true;
  case spinning: return others_changes(index) > thread->seen;
  case sleeping: return thread->timeout >= 0;
  case waiting: return thread->may_be_early;
  default: return false;
  }
}

static uint64_t next_random(void) {
  random_state += 0x9E3779B97F4A7C15u;
  uint64_t z = random_state;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

/// One of those that rest when all others have finished; else -1.
static int32_t choose_resting(void) {
  int32_t first = -1;
  for (int32_t i = thread_count - 1; i >= 0; i--) {
    if (threads[i].status == resting) first = i;
    else if (threads[i].status != finished) return -1;
  }
  if (first >= 0) {
    is_over = true;
    threads[first].status = ready;
  }
  return first;
}

/// The thread that goes on, or -1 if the execution is over.
static int32_t choose(void) {
  uint8_t options[TROUPE_MODEL_THREADS];
  int32_t count = 0;
  // A thread that waits with a timeout may go on, but to leave it is no preemption.
  bool runs = current >= 0 && threads[current].status == ready;
  if (runs) options[count++] = (uint8_t)current;
  if (!runs || preemptions < bound) {
    for (int32_t i = 0; i < thread_count; i++) {
      if (!(runs && i == current) && is_enabled(i)) options[count++] = (uint8_t)i;
    }
  }
  if (count == 0) {
    // Nobody can go on now, so time passes.
    for (int32_t i = 0; i < thread_count; i++) {
      if (threads[i].status == waiting) options[count++] = (uint8_t)i;
    }
  }
  if (count == 0) return choose_resting();
  int32_t index = 0;
  if (count > 1) {
    if (is_random) {
      // Preemptions are rare among steps; free choices are not.
      if (!runs) index = (int32_t)(next_random() % (uint64_t)count);
      else if (next_random() % 12 == 0) index = 1 + (int32_t)(next_random() % (uint64_t)(count - 1));
    } else if (position < choice_count) {
      struct choice *choice = &choices[position++];
      if (choice->count != count || memcmp(choice->options, options, (size_t)count) != 0) {
        end = TROUPE_MODEL_DIVERGED;
        return -2;
      }
      index = choice->index;
    } else {
      if (choice_count == max_choices) {
        end = TROUPE_MODEL_ENDLESS;
        return -2;
      }
      struct choice *choice = &choices[choice_count++];
      position++;
      for (int32_t i = 0; i < count; i++) choice->options[i] = options[i];
      choice->count = (uint8_t)count;
      choice->index = 0;
    }
  }
  if (runs && index > 0) preemptions++;
  return options[index];
}

static void record(int32_t operation, int32_t ordering, const void *word, uint64_t before, uint64_t after) {
  if (event_count == max_events) return;
  events[event_count++] = (struct troupe_model_event){current, operation, ordering, word, before, after};
}

/// What the caller did comes before what is done when the execution is over.
static void publish(void) {
#ifdef MODEL_TSAN
  __tsan_release(&end_token);
#endif
}

/// Lets whoever is chosen go on; returns when the caller is.
static void reschedule(void) {
  int32_t from = current;
  int32_t next = choose();
  if (next < 0) {
    if (next == -1) {
      end = TROUPE_MODEL_DONE;
      for (int32_t i = 0; i < thread_count; i++) {
        if (threads[i].status != finished) end = TROUPE_MODEL_STUCK;
      }
    }
    current = -1;
    publish();
    fiber_leave(from);
    return;
  }
  current = next;
  struct thread *thread = &threads[next];
  if (thread->status == spinning) {
    thread->seen = others_changes(next);
    thread->status = ready;
  } else if (thread->status == sleeping) {
    // Chosen without having been woken.
    thread->timed_out = true;
    thread->clock += thread->timeout;
    thread->status = ready;
    record(TROUPE_MODEL_TIMEOUT, 0, thread->futex, 0, 0);
  } else if (thread->status == waiting) {
    thread->status = ready;
    record(TROUPE_MODEL_TIMEOUT, 0, NULL, 0, 0);
  }
  if (next == from) return;
  publish();
  fiber_switch(from, next);
}

static void tick(void) {
  steps++;
  if (steps > max_steps) {
    int32_t from = current;
    end = TROUPE_MODEL_ENDLESS;
    current = -1;
    publish();
    fiber_leave(from);
  }
}

// MARK: Operations

void controller_step(const void *word, int32_t operation) {
  if (current < 0 || is_quiet) return;
  struct thread *thread = &threads[current];
  // The same look again, and nobody has changed anything: to be interrupted here is no different.
  if (operation == TROUPE_MODEL_LOAD && thread->last_load == word
    && thread->last_load_seen == others_changes(current)) {
    tick();
    return;
  }
  tick();
  reschedule();
  thread->last_load = operation == TROUPE_MODEL_LOAD ? word : NULL;
  thread->last_load_seen = others_changes(current);
}

uint64_t controller_peek(const void *word, int32_t size) {
  switch (size) {
  case 1: return *(const volatile uint8_t *)word;
  case 4: return *(const volatile uint32_t *)word;
  default: return *(const volatile uint64_t *)word;
  }
}

void controller_stepped(const void *word, int32_t size, int32_t operation, int32_t ordering, uint64_t before) {
  if (current < 0 || is_quiet) return;
  uint64_t after = controller_peek(word, size);
  if (after != before) {
    all_changes++;
    threads[current].changes++;
  }
  record(operation, ordering, word, before, after);
}

void troupe_model_pause(void) {
  if (current < 0) return;
  struct thread *thread = &threads[current];
  tick();
  thread->last_load = NULL;
  uint64_t changes = others_changes(current);
  if (changes > thread->seen) {
    thread->seen = changes;
    return;
  }
  record(TROUPE_MODEL_PAUSE, 0, NULL, 0, 0);
  thread->status = spinning;
  reschedule();
}

bool troupe_model_futex_wait(uint32_t *word, uint32_t expected, int64_t nanoseconds) {
  if (current < 0) return true;
  controller_step(word, TROUPE_MODEL_WAIT);
  struct thread *thread = &threads[current];
  uint32_t seen = *(volatile uint32_t *)word;
  record(TROUPE_MODEL_WAIT, 0, word, seen, expected);
  if (seen != expected) return true;
  thread->status = sleeping;
  thread->futex = word;
  thread->timeout = nanoseconds;
  thread->timed_out = false;
  thread->line = line++;
  reschedule();
  thread->futex = NULL;
  return !thread->timed_out;
}

void troupe_model_futex_wake(uint32_t *word, int32_t count) {
  if (current < 0) return;
  controller_step(word, TROUPE_MODEL_WAKE);
  record(TROUPE_MODEL_WAKE, 0, word, 0, 0);
  while (count-- > 0) {
    int32_t first = -1;
    for (int32_t i = 0; i < thread_count; i++) {
      if (threads[i].status == sleeping && threads[i].futex == word
        && (first < 0 || threads[i].line < threads[first].line)) first = i;
    }
    if (first < 0) return;
    threads[first].status = ready;
  }
}

int64_t troupe_model_clock(void) { return 1000000000 + (current < 0 ? 0 : threads[current].clock); }

void troupe_model_set_quiet(bool quiet) { is_quiet = quiet; }

void troupe_model_step(void) {
  if (current < 0) return;
  controller_step(NULL, TROUPE_MODEL_STEP);
  record(TROUPE_MODEL_STEP, 0, NULL, 0, 0);
}

// MARK: Threads that rest

void troupe_model_start(int32_t index) {
  if (current < 0) {
    first_starts[index]++;
    return;
  }
  controller_step(NULL, TROUPE_MODEL_START);
  record(TROUPE_MODEL_START, 0, NULL, (uint64_t)index, (uint64_t)index);
#ifdef MODEL_TSAN
  __tsan_release(&run_tokens[index]);
#endif
  struct thread *thread = &threads[index];
  thread->starts++;
  if (thread->status == resting) thread->status = ready;
  all_changes++;
  threads[current].changes++;
}

bool troupe_model_rest(void) {
  if (current < 0) return false;
  struct thread *thread = &threads[current];
  thread->last_load = NULL;
  if (thread->starts == 0 && !is_over) {
    tick();
    thread->status = resting;
    // What ends a run may be what another thread waits for.
    all_changes++;
    thread->changes++;
    reschedule();
  }
  if (thread->starts == 0) return false;
  thread->starts--;
#ifdef MODEL_TSAN
  __tsan_acquire(&run_tokens[current]);
#endif
  return true;
}

void troupe_model_wait_for_time(bool may_be_early) {
  if (current < 0) return;
  struct thread *thread = &threads[current];
  tick();
  thread->last_load = NULL;
  thread->status = waiting;
  thread->may_be_early = may_be_early;
  reschedule();
}

bool troupe_model_is_inside(void) { return current >= 0; }
int32_t controller_current(void) { return current; }

// MARK: Executions

static void enter(int32_t index) {
  fiber_started();
  while (true) {
#ifdef MODEL_TSAN
    __tsan_acquire(&start_token);
#endif
    the_body(the_context, index);
    threads[index].status = finished;
    // What ends a thread may be what another one waits for.
    all_changes++;
    threads[index].changes++;
    reschedule();
  }
}

static void begin(int32_t count, int32_t rest, int32_t most) {
  runtime_hides_no_races();
  thread_count = count;
  resting_count = rest;
  memset(first_starts, 0, sizeof first_starts);
  bound = most;
  choice_count = 0;
  for (int32_t i = 0; i < count; i++) fiber_prepare(i, enter);
}

void troupe_model_begin(int32_t count, int32_t rest, int32_t most) {
  is_random = false;
  begin(count, rest, most);
}

void troupe_model_randomize(int32_t count, int32_t rest, int32_t most, uint64_t seed) {
  is_random = true;
  random_state = seed;
  begin(count, rest, most);
}

enum troupe_model_end troupe_model_execute(troupe_model_body body, void *context) {
  the_body = body;
  the_context = context;
  memset(threads, 0, sizeof threads);
  for (int32_t i = 0; i < resting_count; i++) {
    threads[i].starts = first_starts[i];
    threads[i].status = first_starts[i] > 0 ? ready : resting;
    first_starts[i] = 0;
  }
  is_over = false;
  locals_reset();
  all_changes = 0;
  line = 0;
  preemptions = 0;
  steps = 0;
  position = 0;
  event_count = 0;
  current = -1;
#ifdef MODEL_TSAN
  __tsan_release(&start_token);
#endif
  int32_t first = choose();
  current = first;
  fiber_enter(first);
  current = -1;
#ifdef MODEL_TSAN
  __tsan_acquire(&end_token);
#endif
  return end;
}

bool troupe_model_advance(void) {
  if (is_random) return true;
  while (choice_count > 0) {
    struct choice *last = &choices[choice_count - 1];
    if (last->index + 1 < last->count) {
      last->index++;
      return true;
    }
    choice_count--;
  }
  return false;
}

int32_t troupe_model_event_count(void) { return event_count; }
struct troupe_model_event troupe_model_event_at(int32_t index) { return events[index]; }
int64_t troupe_model_step_count(void) { return steps; }
int64_t troupe_model_allocated(void) { return (int64_t)mallinfo2().uordblks + (int64_t)mallinfo2().hblkhd; }

void troupe_model_writes_over(void *block) {
#ifdef MODEL_TSAN
  __tsan_write_range(block, malloc_usable_size(block));
#else
  (void)block;
#endif
}

bool troupe_model_shows_races(void) {
#ifdef MODEL_TSAN
  return true;
#else
  return false;
#endif
}

#pragma clang attribute pop
