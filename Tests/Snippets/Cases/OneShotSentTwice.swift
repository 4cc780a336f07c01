// expect: 'sender' consumed more than once
// C60
import TroupeChannels

func reply() {
  let channel = Channel.oneShot(of: Int.self)
  let sender = channel.sender
  _ = sender.send(1)
  _ = sender.send(2)
}
