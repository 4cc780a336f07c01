#ifndef CONTROLLER_H
#define CONTROLLER_H

#include <stdint.h>

/// Before an operation: a choice of who goes on.
void controller_step(const void *word, int32_t operation);
/// After it.
void controller_stepped(const void *word, int32_t size, int32_t operation, int32_t ordering, uint64_t before);
/// The thread of the model that runs, or -1.
int32_t controller_current(void);
uint64_t controller_peek(const void *word, int32_t size);

#endif
