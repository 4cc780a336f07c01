// Fibers that the sanitizers know about.
#ifndef FIBERS_H
#define FIBERS_H

#include <stdint.h>

/// Runs `entry(index)` on a stack of its own when it is first switched to. It must never return.
void fiber_prepare(int32_t index, void (*entry)(int32_t));
/// From the fiber or the caller of `fiber_enter` to a fiber.
void fiber_switch(int32_t from, int32_t to);
/// From the thread to a fiber; returns at `fiber_leave`.
void fiber_enter(int32_t to);
void fiber_leave(int32_t from);
/// First thing on a new fiber's stack.
void fiber_started(void);

#endif
