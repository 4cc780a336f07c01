#include "CModel.h"
#include "controller.h"
#include "locals.h"

#pragma clang attribute push(__attribute__((no_sanitize("thread"))), apply_to = function)

// The last ones are those of the thread that explores.
static uintptr_t all[TROUPE_MODEL_THREADS + 1][TROUPE_MODEL_LOCALS];

static uintptr_t *own(enum troupe_model_local_name name) {
  int32_t thread = controller_current();
  return &all[thread < 0 ? TROUPE_MODEL_THREADS : thread][name];
}

uintptr_t troupe_model_local(enum troupe_model_local_name name) { return *own(name); }
void troupe_model_set_local(enum troupe_model_local_name name, uintptr_t value) { *own(name) = value; }

// Threads of a model are there to be blocked.
void locals_reset(void) {
  for (int i = 0; i < TROUPE_MODEL_THREADS; i++) {
    all[i][TROUPE_MODEL_WORKER] = 0;
    all[i][TROUPE_MODEL_LOOP] = 0;
    all[i][TROUPE_MODEL_MAY_BLOCK] = 1;
  }
}

#pragma clang attribute pop
