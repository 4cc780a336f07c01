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

// The concurrency library is not instrumented: the sanitizer sees neither side of a continuation's resume, and reports
// the continuation's own frame. The data that passes through one of ours is covered by the two hooks above.
const char *__tsan_default_suppressions(void) {
  return "race:withUnsafeContinuation\n"
         "race:$sScc6resume\n";
}
#else
void troupe_tsan_release(void *object) { (void)object; }
void troupe_tsan_acquire(void *object) { (void)object; }
#endif
