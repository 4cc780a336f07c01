#include "CModel.h"
#include "controller.h"

// The orderings of Swift's Synchronization module have the numbers of C's `memory_order`.

#define OPERATE(type)                                                                              \
  switch (operation) {                                                                             \
  case TROUPE_MODEL_LOAD: before = __atomic_load_n((type *)word, ordering); break;                 \
  case TROUPE_MODEL_STORE:                                                                         \
    before = controller_peek(word, size);                                                          \
    __atomic_store_n((type *)word, (type)operand, ordering);                                       \
    break;                                                                                         \
  case TROUPE_MODEL_EXCHANGE: before = __atomic_exchange_n((type *)word, (type)operand, ordering); break; \
  case TROUPE_MODEL_ADD: before = __atomic_fetch_add((type *)word, (type)operand, ordering); break; \
  case TROUPE_MODEL_SUBTRACT: before = __atomic_fetch_sub((type *)word, (type)operand, ordering); break; \
  case TROUPE_MODEL_AND: before = __atomic_fetch_and((type *)word, (type)operand, ordering); break; \
  case TROUPE_MODEL_OR: before = __atomic_fetch_or((type *)word, (type)operand, ordering); break;  \
  default: __builtin_trap();                                                                       \
  }

uint64_t troupe_model_word(void *word, int32_t size, int32_t operation, uint64_t operand, int32_t ordering) {
  controller_step(word, operation);
  uint64_t before = 0;
  switch (size) {
  case 1: OPERATE(uint8_t) break;
  case 4: OPERATE(uint32_t) break;
  case 8: OPERATE(uint64_t) break;
  default: __builtin_trap();
  }
  controller_stepped(word, size, operation, ordering, before);
  return before;
}

#define COMPARE(type)                                                                            \
  {                                                                                              \
    type value = (type)expected;                                                                 \
    *exchanged = __atomic_compare_exchange_n(                                                    \
      (type *)word, &value, (type)desired, false, ordering, failureOrdering);                    \
    before = value;                                                                              \
  }

uint64_t troupe_model_compare_exchange(
  void *word, int32_t size, uint64_t expected, uint64_t desired, int32_t ordering, int32_t failureOrdering,
  bool *exchanged) {
  controller_step(word, TROUPE_MODEL_COMPARE);
  uint64_t before = 0;
  switch (size) {
  case 1: COMPARE(uint8_t) break;
  case 4: COMPARE(uint32_t) break;
  case 8: COMPARE(uint64_t) break;
  default: __builtin_trap();
  }
  controller_stepped(word, size, TROUPE_MODEL_COMPARE, *exchanged ? ordering : failureOrdering, before);
  return before;
}
