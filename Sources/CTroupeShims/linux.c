// The functions of CTroupeShims.h that depend on the system, for Linux. The header says what each of them does.
// `posix.c` has the same functions for other systems.
#if defined(__linux__) && !defined(TROUPE_PORTABLE)

#define _GNU_SOURCE
#include "CTroupeShims.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

void *troupe_allocate_huge(size_t bytes) {
  size_t huge = (size_t)2 << 20;
  void *memory = troupe_allocate_aligned(bytes, bytes < huge ? bytes : huge);
#ifdef MADV_HUGEPAGE
  // This is only a hint. If the system has no huge pages, the memory is ordinary memory.
  madvise(memory, bytes, MADV_HUGEPAGE);
#endif
  return memory;
}

void troupe_expect_allocations(size_t bytes) {
#if defined(__GLIBC__)
  // A freed piece of this size mostly stays with the allocator, which makes the small ones of it.
  char *memory = malloc(bytes);
  if (memory == NULL) return;
#ifdef MADV_POPULATE_WRITE
  // This is only a hint, which needs Linux 5.14.
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  uintptr_t start = ((uintptr_t)memory + page - 1) & ~(page - 1);
  uintptr_t end = ((uintptr_t)memory + bytes) & ~(page - 1);
  if (start < end) madvise((void *)start, end - start, MADV_POPULATE_WRITE);
#endif
  free(memory);
#else
  (void)bytes;
#endif
}

void troupe_return_free_memory(void) {
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
}

bool troupe_futex_wait(uint32_t *word, uint32_t expected, int64_t nanoseconds) {
  struct timespec limit, *timeout = NULL;
  if (nanoseconds >= 0) {
    limit.tv_sec = nanoseconds / 1000000000;
    limit.tv_nsec = nanoseconds % 1000000000;
    timeout = &limit;
  }
  long result = syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, timeout, NULL, 0);
  return !(result == -1 && errno == ETIMEDOUT);
}

void troupe_futex_wake(uint32_t *word, int32_t count) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

static int64_t read_clock(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t troupe_clock_now(void) { return read_clock(CLOCK_MONOTONIC); }
int64_t troupe_clock_coarse(void) { return read_clock(CLOCK_MONOTONIC_COARSE); }
int64_t troupe_clock_coarse_tick(void) {
  struct timespec tick;
  clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
  return (int64_t)tick.tv_sec * 1000000000 + tick.tv_nsec;
}

void troupe_sleep_exactly(void) { prctl(PR_SET_TIMERSLACK, 1UL); }

int32_t troupe_processor_count(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    int count = CPU_COUNT(&set);
    if (count > 0) return count;
  }
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? (int32_t)online : 1;
}

#endif
