// expect: 'receiver' consumed more than once
import TroupeChannels

func take(_ receiver: consuming Receiver<Int>) {}

func twice() {
  let channel = Channel.unbounded(of: Int.self)
  let receiver = channel.receiver
  take(receiver)
  take(receiver)
}
