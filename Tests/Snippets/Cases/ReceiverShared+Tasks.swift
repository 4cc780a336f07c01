// expect: risks causing data races
// C59: a second concurrent consumer.
import TroupeChannels

func share() {
  let channel = Channel.unbounded(of: Int.self)
  var receiver = channel.receiver
  Task { _ = await receiver.receive() }
  Task { _ = await receiver.receive() }
}
