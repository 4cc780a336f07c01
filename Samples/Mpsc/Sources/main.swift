// What one does first with a channel, in numbered sections. Each is a function that stands on its own.
//
// The sections are functions, and not statements here, because top-level code belongs to the main actor.

try oneValue()
try valueIsGone()
try severalValues()
try twoProducers()
try polling()
try otherEndGone()
try severalKinds()
try boundedChannel()
try rendezvousChannel()
try oneShotChannel()
try inTasks()
