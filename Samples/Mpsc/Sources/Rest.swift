import Foundation
import TroupeChannels

func otherEndGone() throws {
  section(6, "The other end is gone")
  let letters = Channel.unbounded(of: String.self)
  let sender = letters.sender
  let receiver = letters.receiver
  _ = consume receiver
  switch sender.send("a letter") {
  case .sent: print("sent")
  case .closed(let letter): print("nobody receives any more, and \(letter) came back")
  }
  do { try sender.send("x").get() } catch { print("\(error)") }
  let l2 = Channel.unbounded(of: String.self)
  do {
    let s2 = l2.sender
    _ = s2.send("last")
  }
  var r2 = l2.receiver
  print(r2.receive() as Any)
  print(r2.receive() as Any)
}
func severalKinds() throws {}
func boundedChannel() throws {
  let channel = Channel.bounded(2, of: Int.self)
  let s = channel.sender
  for i in 1...3 {
    print(s.trySend(i))
  }
  var r = channel.receiver
  r.close()
  _ = r.drain()
}
func rendezvousChannel() throws {}
func oneShotChannel() throws {
  let question = Channel.oneShot(of: Int.self)
  let q = question.sender
  Thread.detachNewThread {
    _ = q.send(42)
  }
  let r = question.receiver
  print(r.receive() as Any)
}
func inTasks() throws {
  let done = Channel.oneShot(of: String.self)
  Task {
    _ = done.sender.send("x")
  }
  print(done.receiver.receive() as Any)
}
