// expect: 'permit' consumed more than once
import TroupeChannels

func spend(_ sender: BoundedSender<Int>) throws {
  let permit = try sender.tryReserve()
  _ = permit.send(1)
  _ = permit.send(2)
}
