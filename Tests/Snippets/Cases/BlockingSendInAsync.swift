// expect: expression is 'async' but is not marked with 'await'
// C50
import TroupeChannels

func wait(_ sender: BoundedSender<Int>) async {
  _ = sender.send(1)
}
