// expect: type 'Receiver<Int>' does not conform to protocol 'Copyable'
import TroupeChannels

func copies(_ receiver: consuming Receiver<Int>) {
  var all: [Receiver<Int>] = []
  all.append(receiver)
}
