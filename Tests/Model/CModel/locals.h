// What the program keeps in variables of the thread: each fiber has its own.
#ifndef LOCALS_H
#define LOCALS_H

#include <stdint.h>

/// Keeps those of the fiber that leaves the thread, and puts those of the one that comes in place.
void locals_switch(int32_t from, int32_t to);
/// Clears those of all fibers.
void locals_reset(void);

#endif
