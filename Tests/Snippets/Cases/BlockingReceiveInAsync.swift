// expect: is unavailable from asynchronous contexts; this form blocks the thread; use `for await` and `elements()`
// C50. A plain `receive()` in asynchronous code is the asynchronous form, and asks for `await`.
import TroupeChannels

func wait(_ receiver: consuming Receiver<Int>) async {
  for _ in receiver.blockingElements() {}
}
