// expect: nothing
// The positive control: what the other cases do, done right. It also shows that the compiler finds the modules.
import TroupeChannels

final class Node {
  var value = 0
}

struct Handle: ~Copyable {
  var fd: Int32
}

func transfer(_ sender: Sender<Node>, _ handles: BoundedSender<Handle>) async {
  let node = Node()
  node.value = 1
  switch sender.send(node) {
  case .sent: break
  case .closed(let node): node.value = 2
  }
  switch await handles.send(Handle(fd: 1)) {
  case .sent: break
  case .closed(let handle): _ = handle.fd
  case .timedOut(let handle): _ = handle.fd
  case .cancelled(let handle): _ = handle.fd
  }
}

func move() -> Task<Int, Never> {
  let channel = Channel.unbounded(of: Int.self)
  let sender = channel.sender
  var receiver = channel.receiver
  _ = sender.send(1)
  return Task {
    var sum = 0
    while let element = await receiver.receive() { sum += element }
    return sum
  }
}

func block(_ receiver: consuming Receiver<Int>, _ sender: BoundedSender<Int>) -> Int? {
  _ = sender.send(1)
  return receiver.receive()
}

func once() async -> Int? {
  let channel = Channel.oneShot(of: Int.self)
  let receiver = channel.receiver
  _ = channel.sender.send(1)
  return await receiver.receive()
}
