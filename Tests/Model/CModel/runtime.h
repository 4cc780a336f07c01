// What the language's runtime tells the thread sanitizer.
#ifndef RUNTIME_H
#define RUNTIME_H

/// From now on, what the runtime does on a thread of the model hides no race of the program.
void runtime_hides_no_races(void);

#endif
