// The few things of the operating system and the processor that Swift cannot reach itself: futexes, the processor's
// pause, thread-local words, monotonic clocks, plain memory, and the hooks of the thread sanitizer. Any thread may call
// all of these functions.
//
// All that knows the system is behind this header. `linux.c` is for Linux, and `posix.c` for every other system with
// POSIX threads, or for Linux too if TROUPE_PORTABLE is defined; each of the two files has the same functions.
// `shims.c` has those that are the same everywhere.
#ifndef CTROUPE_SHIMS_H
#define CTROUPE_SHIMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#ifdef __cplusplus
extern "C" {
#endif

/// The alignment of the memory that `troupe_allocate` returns, which is that of malloc.
enum { TROUPE_ALIGNMENT = _Alignof(max_align_t) };

/// Allocates memory with malloc. It never returns NULL: if the system has no memory, the program stops.
static inline void *troupe_allocate(size_t bytes) {
  void *memory = malloc(bytes);
  if (memory == NULL) abort();
  return memory;
}
/// Allocates memory with a larger alignment, which must be a power of two. It never returns NULL.
static inline void *troupe_allocate_aligned(size_t bytes, size_t alignment) {
  void *memory = NULL;
  if (posix_memalign(&memory, alignment, bytes) != 0) abort();
  return memory;
}
/// Allocates memory that is aligned to its own size or to 2 MiB, whichever is less, and asks the system to use huge
/// pages for it, if the system has a call for that. The size must be a power of two, and should be a multiple of a huge
/// page (2 MiB on most machines). It never returns NULL.
void *troupe_allocate_huge(size_t bytes);
/// Frees memory that one of the three functions above has returned.
static inline void troupe_free(void *memory) { free(memory); }

/// Readies memory for small pieces, `bytes` in all, that the calling thread is about to allocate, if the system has a
/// call for that. The allocator of glibc otherwise makes one call of the kernel for each page that it needs on a thread
/// other than the main one, and the first use of each page is a fault. To gain from it, `bytes` should be some tens of
/// kilobytes, and less than what the allocator gives back to the system at once (128 KiB).
void troupe_expect_allocations(size_t bytes);

/// Tells the processor that this is a spin loop.
static inline void troupe_cpu_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
  __asm__ __volatile__("yield");
#endif
}

/// Asks the allocator to give whole pages that are free back to the system, if the allocator has a call for that. It
/// holds the allocator's locks for milliseconds if much is free, so it should be called when nobody is in a hurry.
void troupe_return_free_memory(void);

/// Gives up the rest of this thread's time slice.
void troupe_thread_yield(void);

/// Sleeps until another thread wakes this one with `troupe_futex_wake`, but not if `*word` is not `expected` when it
/// begins. It sleeps for `nanoseconds` at the most, or without limit if that is negative. It may return early without
/// reason, so the caller has to look at the word again. Returns false only if the time has passed and nobody woke it.
bool troupe_futex_wait(uint32_t *word, uint32_t expected, int64_t nanoseconds);
/// Wakes at most `count` threads that sleep on `word`. The address is only a key, so the memory may have been freed.
void troupe_futex_wake(uint32_t *word, int32_t count);

/// Returns the time of the monotonic clock, in nanoseconds.
int64_t troupe_clock_now(void);
/// Returns the time of the monotonic clock at the last tick of the kernel, in nanoseconds. It is cheap, and may be a
/// few milliseconds old. Without such a clock this is the time now.
int64_t troupe_clock_coarse(void);
/// Returns by how many nanoseconds the coarse clock may be behind.
int64_t troupe_clock_coarse_tick(void);
/// Has the calling thread's sleeps end on time, if the system has a call for that. Otherwise the kernel may end them
/// some 50 microseconds later, to save wake-ups.
void troupe_sleep_exactly(void);

/// Returns the number of processors that this process may run on.
int32_t troupe_processor_count(void);

/// The worker (`Troupe.Worker`) that the calling thread is, or NULL. The scheduler sets it. These functions and those
/// like them are not inline, so that no compiler keeps the address of a thread-local variable across a suspension,
/// after which a task may be on another thread.
void *troupe_current_worker(void);
void troupe_set_current_worker(void *worker);

/// Whether the calling thread is one that handlers may block. The worker sets it for as long as it runs.
bool troupe_may_block(void);
void troupe_set_may_block(bool may);

/// Returns whether the calling thread may call a listener for dead letters or an observer, and notes that it does. It
/// must not while it is inside of one, since that might never end. If this returns true, `troupe_leave_listener` has to
/// follow.
bool troupe_enter_listener(void);
void troupe_leave_listener(void);

/// The executor (`Troupe.LoopExecutor`) whose job the calling thread's worker runs, or NULL. The executor sets it.
void *troupe_current_loop(void);
void troupe_set_current_loop(void *loop);

/// Gives the job of a suspended task to the worker that the calling thread is, which runs it after something else has
/// had a turn. If the thread is no worker this does nothing and returns false. The channels call this.
bool troupe_yield_on_worker(void *job);
/// Has the job of a suspended task go on by way of the executor that it was on, which must not be NULL. The channels
/// call this, on any thread.
void troupe_go_on(void *loop, void *job);
/// Sets what the two functions above do. The channels do not know the scheduler, so that is how they reach it. The
/// scheduler calls this, once for the process.
void troupe_set_yield_hooks(bool (*wait)(void *worker, void *loop, void *job), void (*go)(void *loop, void *job));

/// A thread-local word that says where (in which `Parker`) the task that the calling thread runs is about to wait. The
/// executor to which the task switches for that takes the word, which clears it.
void troupe_park_at(void *place);
void *troupe_take_parking(void);

/// Returns the next random number of the calling thread. A thread begins with a seed of its own.
uint64_t troupe_random_next(void);
/// Sets the state that the random numbers of the calling thread follow from. A simulation calls it.
void troupe_random_seed(uint64_t seed);

/// Does nothing, but the compiler does not know that, and so cannot optimize the caller away.
void troupe_opaque_nothing(void);

/// Returns a descriptor that can be read when a signal has come which was caught by `troupe_catch_signal`, or a
/// negative errno if there is none left. It is the same one each time. One thread at a time may call this, and before
/// the others.
int32_t troupe_open_signals(void);
/// Has the process note a signal from now on instead of what it did before. Returns false if there is no such signal,
/// or none that can be caught. It is not to be called again before `troupe_release_signal`.
bool troupe_catch_signal(int32_t number);
/// Has the process do what it did before `troupe_catch_signal`.
void troupe_release_signal(int32_t number);
/// Empties the descriptor, and returns the signals that have come since the last call: bit n - 1 for signal n. One
/// thread at a time may call this.
uint64_t troupe_take_signals(void);

/// Returns a number for the calling thread, which is not 0, and which no other living thread has.
uintptr_t troupe_thread_self(void);

/// Starts a detached thread that calls `body(argument)`. Returns 0, or an errno if there is no thread.
int32_t troupe_thread_start(void (*body)(void *), void *argument);

/// Writes `length` bytes to standard error, in one call if that is possible. It gives up if the write fails.
void troupe_write_stderr(const char *bytes, size_t length);

/// Returns whether this build looks for data races or for misuse of memory. If so, the library does not use memory
/// again, because that would hide both.
bool troupe_is_sanitized(void);

/// Tell the thread sanitizer that what comes before `release` happens before what comes after `acquire` on the same
/// object. They are needed where the synchronization runs in code that the sanitizer does not instrument. They do
/// nothing in other builds.
void troupe_tsan_release(void *object);
void troupe_tsan_acquire(void *object);

#ifdef __cplusplus
}
#endif
#endif
