// expect: sending 'node' risks causing data races
import TroupeChannels

final class Node {
  var value = 0
}

func transfer(_ sender: BoundedSender<Node>) async {
  let node = Node()
  _ = await sender.send(node)
  _ = await sender.send(node)
}
