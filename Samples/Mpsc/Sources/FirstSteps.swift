import Foundation
import TroupeChannels

func oneValue() throws {
  section(1, "One value from one thread")
  let channel = Channel.unbounded(of: String.self)

  // The closure of the thread gets a sender of its own.
  Thread.detachNewThread { [sender = channel.sender] in
    // The outcome of the send is worth a look if the receiver may go first; see section 6.
    _ = sender.send("hi")
  }

  // This blocks until there is a value. Nil would mean that nothing can come any more.
  var receiver = channel.receiver
  if let value = receiver.receive() { print("got: \(value)") }
}

func oneObject() throws {
  section(2, "An object that was sent belongs to the other side")
  // This is a plain class, which two threads must not use at the same time: it is not Sendable.
  final class Letter {
    var lines = ["Dear reader,"]
  }
  let channel = Channel.unbounded(of: Letter.self)

  Thread.detachNewThread { [sender = channel.sender] in
    let letter = Letter()
    letter.lines.append("this was written on another thread,")
    _ = sender.send(letter)
    // letter.lines.append("P.S.")
    // error: sending 'letter' risks causing data races
  }

  var receiver = channel.receiver
  if let letter = receiver.receive() {
    letter.lines.append("and this on the main thread.")
    print("got: \(letter.lines.joined(separator: " "))")
  }
}

func severalValues() throws {
  section(3, "Several values, received by iterating")
  let channel = Channel.unbounded(of: String.self)

  // The channel closes when its last sender is gone, and only then does the loop below end. This sender goes with the
  // closure. In two cases it would stay, and the loop would wait for ever:
  // - with `let sender = channel.sender` out here, unless `_ = consume sender` follows before the loop, as in section
  //   4;
  // - with `let thread = Thread { … }`, because Foundation keeps the closure for as long as somebody keeps the thread
  //   object.
  Thread.detachNewThread { [sender = channel.sender] in
    for value in ["hi", "from", "the", "thread"] { _ = sender.send(value) }
  }

  for value in channel.receiver.blockingElements() { print("got: \(value)") }
  print("the sender is gone, and everything is received")
}

func twoProducers() throws {
  section(4, "Two producers")
  let channel = Channel.unbounded(of: String.self)
  let sender = channel.sender
  for name in ["a", "b"] {
    // Each closure holds a copy of the sender: that is all it takes to have one more producer.
    Thread.detachNewThread {
      for number in 1...3 { _ = sender.send("\(name)\(number)") }
    }
  }
  // The sender of this function would keep the channel open.
  _ = consume sender

  let values = Array(channel.receiver.blockingElements())
  // Chance decides how the two mix. What one producer sends arrives in its order.
  for name in ["a", "b"] { print("from \(name): \(values.filter { $0.hasPrefix(name) }.joined(separator: " "))") }
}

func polling() throws {
  section(5, "Polling, with other work in between")
  let channel = Channel.unbounded(of: String.self)
  // The semaphore makes the thread slow enough to be waited for, and the output the same every time.
  let workIsDone = DispatchSemaphore(value: 0)
  Thread.detachNewThread { [sender = channel.sender] in
    workIsDone.wait()
    _ = sender.send("the result")
  }

  var receiver = channel.receiver
  var piecesOfWork = 0
  polling: while true {
    // This call never waits.
    switch receiver.tryReceive() {
    case .received(let value):
      print("got: \(value)")
      break polling
    case .empty where piecesOfWork < 3:
      piecesOfWork += 1
      print("nothing yet; did piece \(piecesOfWork) of the other work")
      if piecesOfWork == 3 { workIsDone.signal() }
    case .empty:
      // There is nothing else to do, so waiting is better than spinning. After a while there might be other work
      // again.
      if case .received(let value) = receiver.receive(timeout: .seconds(10)) {
        print("got: \(value)")
        break polling
      }
    case .closed:
      print("nothing will come")
      break polling
    }
  }
}
