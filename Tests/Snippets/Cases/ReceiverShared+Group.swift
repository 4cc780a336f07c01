// expect: risks causing data races
// C59: a second concurrent consumer.
import TroupeChannels

func share() async {
  let channel = Channel.bounded(1, of: Int.self)
  var receiver = channel.receiver
  await withTaskGroup(of: Void.self) { group in
    group.addTask { _ = await receiver.receive() }
    group.addTask { _ = await receiver.receive() }
  }
}
