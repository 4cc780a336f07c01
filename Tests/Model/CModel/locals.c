#include "CModel.h"
#include "CTroupeShims.h"
#include "locals.h"

#include <string.h>

#pragma clang attribute push(__attribute__((no_sanitize("thread"))), apply_to = function)

struct locals {
  void *worker, *loop;
  bool may_block;
};
// The last ones are those of the thread itself.
static struct locals all[TROUPE_MODEL_THREADS + 1];

void locals_switch(int32_t from, int32_t to) {
  all[from] = (struct locals){troupe_current_worker(), troupe_current_loop(), troupe_may_block()};
  troupe_set_current_worker(all[to].worker);
  troupe_set_current_loop(all[to].loop);
  troupe_set_may_block(all[to].may_block);
}

// Threads of a model are there to be blocked.
void locals_reset(void) {
  for (int i = 0; i < TROUPE_MODEL_THREADS; i++) all[i] = (struct locals){NULL, NULL, true};
}

#pragma clang attribute pop
