// What CTroupeShims.h says about the sanitizers. The preprocessor finds out which of them this build has.
#include "CTroupeShims.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TROUPE_TSAN 1
#endif
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define TROUPE_SANITIZED 1
#endif
#endif

#ifdef TROUPE_SANITIZED
bool troupe_is_sanitized(void) { return true; }
#else
bool troupe_is_sanitized(void) { return false; }
#endif

#ifdef TROUPE_TSAN
void __tsan_acquire(void *);
void __tsan_release(void *);
void troupe_tsan_release(void *object) { __tsan_release(object); }
void troupe_tsan_acquire(void *object) { __tsan_acquire(object); }

// The language's concurrency library is not instrumented. The sanitizer sees neither side of a continuation's resume,
// and would report the frame of the continuation itself. The data that passes by way of a continuation of this library
// is covered by the two functions above.
const char *__tsan_default_suppressions(void) {
  return "race:withUnsafeContinuation\n"
         "race:$sScc6resume\n";
}
#else
void troupe_tsan_release(void *object) { (void)object; }
void troupe_tsan_acquire(void *object) { (void)object; }
#endif
