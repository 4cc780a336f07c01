// expect: sending 'node' risks causing data races
// C10: an object that is not Sendable may be sent, and not be used afterwards.
import TroupeChannels

final class Node {
  var value = 0
}

func transfer(_ sender: Sender<Node>) {
  let node = Node()
  _ = sender.send(node)
  node.value = 1
}
