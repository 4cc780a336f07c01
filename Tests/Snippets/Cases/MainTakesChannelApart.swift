// expect: nothing
// A program as main.swift has it: variables at the top level can be taken apart, the receiver first.
import TroupeChannels

let channel = Channel.bounded(4, of: Int.self)
var receiver = channel.receiver
let sender = channel.sender
_ = sender.send(1).isSent
_ = receiver.receive()

let numbers = Channel.unbounded(of: Int.self)
do {
  let sender = numbers.sender
  _ = sender.send(1)
}
for number in numbers.receiver.blockingElements() { print(number) }
