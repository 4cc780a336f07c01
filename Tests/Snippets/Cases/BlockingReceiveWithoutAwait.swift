// expect: expression is 'async' but is not marked with 'await'
// C50
import TroupeChannels

func wait(_ receiver: consuming Receiver<Int>) async -> Int? {
  var receiver = receiver
  return receiver.receive()
}
