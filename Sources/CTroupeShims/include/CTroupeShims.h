// The few things of the operating system that Swift cannot reach itself: futex, processor pause, thread-local words,
// monotonic clocks, plain memory, and the hooks of the thread sanitizer.
#ifndef CTROUPE_SHIMS_H
#define CTROUPE_SHIMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What `troupe_allocate` aligns to: as malloc does.
enum { TROUPE_ALIGNMENT = _Alignof(max_align_t) };

/// Memory from malloc. There is always some: where the system has none, the program stops.
static inline void *troupe_allocate(size_t bytes) {
  void *memory = malloc(bytes);
  if (memory == NULL) abort();
  return memory;
}
/// The same with a larger alignment, a power of two.
static inline void *troupe_allocate_aligned(size_t bytes, size_t alignment) {
  void *memory = NULL;
  if (posix_memalign(&memory, alignment, bytes) != 0) abort();
  return memory;
}
/// The same, aligned to its own size, a power of two of megabytes, for which the system is asked to use huge pages.
void *troupe_allocate_huge(size_t bytes);
static inline void troupe_free(void *memory) { free(memory); }

/// Tells the processor that this is a spin loop.
static inline void troupe_cpu_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
  __asm__ __volatile__("yield");
#endif
}

/// Gives whole pages that the allocator has free back to the system, where the allocator has a call for that. It takes the
/// locks of the allocator for milliseconds if much is free, so it is for moments in which nobody is in a hurry.
void troupe_return_free_memory(void);

/// Gives up the rest of this thread's time slice.
void troupe_thread_yield(void);

/// Sleeps while `*word == expected`, at most `nanoseconds` (negative: without limit). May return early.
/// Returns false only if the time passed.
bool troupe_futex_wait(uint32_t *word, uint32_t expected, int64_t nanoseconds);
/// Wakes at most `count` sleepers on `word`. The address is only a key: the memory may be gone by now.
void troupe_futex_wake(uint32_t *word, int32_t count);

/// Nanoseconds of the monotonic clock.
int64_t troupe_clock_now(void);
/// Nanoseconds of the monotonic clock as of the last tick of the kernel (a few milliseconds old, and cheap).
int64_t troupe_clock_coarse(void);
/// How far that may be behind, in nanoseconds.
int64_t troupe_clock_coarse_tick(void);
/// The calling thread's sleeps end when they should, and not up to 50 microseconds later to save wake-ups.
void troupe_sleep_exactly(void);

/// Number of processors that this process may run on.
int32_t troupe_processor_count(void);

/// What the calling thread is: 0, or the worker that it runs as. Set by the scheduler, read out of line so that no
/// compiler keeps the address of a thread-local across a suspension.
void *troupe_current_worker(void);
void troupe_set_current_worker(void *worker);

/// Whether the calling thread is one that handlers may block. Kept like the worker.
bool troupe_may_block(void);
void troupe_set_may_block(bool may);

/// Whether the calling thread may call a listener for dead letters: not while it is in one.
bool troupe_enter_listener(void);
void troupe_leave_listener(void);

/// The executor, on the calling thread's worker, whose job runs here; or 0. Kept like the worker.
void *troupe_current_loop(void);
void troupe_set_current_loop(void *loop);

/// Gives a suspended task's job to the calling thread's worker, which runs it after something else has had a turn.
/// False if there is no worker: then nothing has happened.
bool troupe_yield_on_worker(void *job);
/// Lets a suspended task's job go on by way of the executor that it was on.
void troupe_go_on(void *loop, void *job);
void troupe_set_yield_hooks(bool (*wait)(void *worker, void *loop, void *job), void (*go)(void *loop, void *job));

/// Where the task that the calling thread runs is about to wait; whoever takes the word clears it.
void troupe_park_at(void *place);
void *troupe_take_parking(void);

/// Does nothing, and no compiler knows.
void troupe_opaque_nothing(void);

/// Lets the process ignore a signal. Returns what it did before, for `troupe_restore_signal`.
uintptr_t troupe_ignore_signal(int32_t number);
void troupe_restore_signal(int32_t number, uintptr_t before);

/// Which thread is calling: no other living one has this number, and none has 0.
uintptr_t troupe_thread_self(void);

/// Starts a detached thread that calls `body(argument)`. Returns 0 or an errno.
int32_t troupe_thread_start(void (*body)(void *), void *argument);

/// Writes `length` bytes to standard error in one call where possible.
void troupe_write_stderr(const char *bytes, size_t length);

/// Whether this build looks for races or misused memory. Then memory is not used again, which would hide both.
bool troupe_is_sanitized(void);

/// Happens-before edges for the thread sanitizer where synchronisation runs in code that it does not instrument.
/// They do nothing in other builds.
void troupe_tsan_release(void *object);
void troupe_tsan_acquire(void *object);

#ifdef __cplusplus
}
#endif
#endif
