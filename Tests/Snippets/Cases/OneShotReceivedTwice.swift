// expect: 'receiver' consumed more than once
// C60
import TroupeChannels

func ask() async {
  let channel = Channel.oneShot(of: Int.self)
  let receiver = channel.receiver
  _ = await receiver.receive()
  _ = await receiver.receive()
}
