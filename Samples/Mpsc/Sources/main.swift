// What one does first with a channel, in numbered sections. Each section is a function that stands on its own, and
// the other files of this folder hold them in the same order.
//
// They are functions and not statements here, because top-level code belongs to the main actor, and so would the
// closures in it.

try oneValue()
try oneObject()
try severalValues()
try twoProducers()
try polling()
try otherEndGone()
try severalKinds()
try bounded()
try rendezvous()
try oneShot()
try inTasks()

func section(_ number: Int, _ title: String) { print("\(number == 1 ? "" : "\n")\(number). \(title)") }
