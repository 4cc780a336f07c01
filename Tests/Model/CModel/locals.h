// What the program keeps in variables of the thread: here each thread of a model has its own, and the sanitizer sees none.
#ifndef LOCALS_H
#define LOCALS_H

/// Clears those of all threads of the model.
void locals_reset(void);

#endif
