#include "runtime.h"
#include "controller.h"

#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MODEL_TSAN 1
#endif
#endif

#ifdef MODEL_TSAN
// Under the sanitizer the runtime takes a lock each time that it looks whether something has been initialized, and says so
// here: a global, or the metadata of a generic type, which code that is not specialized asks for at every step. Two
// threads that use the same type would be ordered by it, as they are not in a build without the sanitizer. Only the first
// release of a lock counts here, which is that of the thread that did initialize.
extern void (*_swift_tsan_release)(const void *lock) __attribute__((weak));

#pragma clang attribute push(__attribute__((no_sanitize("thread"))), apply_to = function)

enum { places = 1 << 14, most = places / 2 };

static void (*release)(const void *lock);
/// The locks that threads of the model have released. They are all on one thread of the system.
static const void *released[places];
static int count;

static void release_once(const void *lock) {
  if (controller_current() >= 0) {
    uintptr_t place = ((uintptr_t)lock >> 2) * 0x9E3779B97F4A7C15u >> 50;
    while (released[place] != 0 && released[place] != lock) place = (place + 1) % places;
    if (released[place] == lock) return;
    // With more locks than that races would be hidden again.
    if (count == most) abort();
    released[place] = lock;
    count++;
  }
  release(lock);
}

void runtime_hides_no_races(void) {
  if (&_swift_tsan_release == 0 || _swift_tsan_release == 0 || _swift_tsan_release == release_once) return;
  release = _swift_tsan_release;
  _swift_tsan_release = release_once;
}

#pragma clang attribute pop
#else
void runtime_hides_no_races(void) {}
#endif
