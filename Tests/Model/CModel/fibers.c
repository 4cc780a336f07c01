#define _GNU_SOURCE
#include "CModel.h"
#include "fibers.h"

#include <stdlib.h>
#include <ucontext.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MODEL_TSAN 1
#endif
#if __has_feature(address_sanitizer)
#define MODEL_ASAN 1
#endif
#endif

#ifdef MODEL_TSAN
void *__tsan_get_current_fiber(void);
void *__tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void *fiber);
void __tsan_switch_to_fiber(void *fiber, unsigned flags);
#endif
#ifdef MODEL_ASAN
void __sanitizer_start_switch_fiber(void **save, const void *bottom, size_t size);
void __sanitizer_finish_switch_fiber(void *saved, const void **bottom, size_t *size);
#endif

#pragma clang attribute push(__attribute__((no_sanitize("thread"))), apply_to = function)

enum { stack_size = 512 * 1024 };

struct fiber {
  ucontext_t context;
  char *stack;
  void (*entry)(int32_t);
  void *sanitizer;
  void *fake_stack;
};

// The last one is the thread that runs the exploration.
static struct fiber fibers[TROUPE_MODEL_THREADS + 1];
static const int32_t home = TROUPE_MODEL_THREADS;
#ifdef MODEL_ASAN
static const void *home_bottom;
static size_t home_size;
static int32_t arriving_from = -1;
#endif

static void run(int index) { fibers[index].entry(index); }

void fiber_prepare(int32_t index, void (*entry)(int32_t)) {
  struct fiber *fiber = &fibers[index];
  if (fiber->stack == NULL) fiber->stack = malloc(stack_size);
  fiber->entry = entry;
  fiber->fake_stack = NULL;
  getcontext(&fiber->context);
  fiber->context.uc_stack.ss_sp = fiber->stack;
  fiber->context.uc_stack.ss_size = stack_size;
  fiber->context.uc_link = NULL;
  makecontext(&fiber->context, (void (*)(void))run, 1, index);
#ifdef MODEL_TSAN
  if (fiber->sanitizer) __tsan_destroy_fiber(fiber->sanitizer);
  fiber->sanitizer = __tsan_create_fiber(0);
#endif
}

static void swap(int32_t from, int32_t to) {
#ifdef MODEL_ASAN
  const void *bottom = to == home ? home_bottom : fibers[to].stack;
  size_t size = to == home ? home_size : stack_size;
  arriving_from = from;
  __sanitizer_start_switch_fiber(&fibers[from].fake_stack, bottom, size);
#endif
#ifdef MODEL_TSAN
  // Without an edge of happens-before: the program has to have made it.
  __tsan_switch_to_fiber(fibers[to].sanitizer, 1);
#endif
  swapcontext(&fibers[from].context, &fibers[to].context);
#ifdef MODEL_ASAN
  const void *bottom_before;
  size_t size_before;
  __sanitizer_finish_switch_fiber(fibers[from].fake_stack, &bottom_before, &size_before);
  if (arriving_from == home) {
    home_bottom = bottom_before;
    home_size = size_before;
  }
#endif
}

void fiber_started(void) {
#ifdef MODEL_ASAN
  const void *bottom;
  size_t size;
  __sanitizer_finish_switch_fiber(NULL, &bottom, &size);
  if (arriving_from == home) {
    home_bottom = bottom;
    home_size = size;
  }
#endif
}

void fiber_switch(int32_t from, int32_t to) { swap(from, to); }

void fiber_enter(int32_t to) {
#ifdef MODEL_TSAN
  fibers[home].sanitizer = __tsan_get_current_fiber();
#endif
  swap(home, to);
}

void fiber_leave(int32_t from) { swap(from, home); }

#pragma clang attribute pop
