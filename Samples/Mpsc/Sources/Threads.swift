import Foundation
import TroupeChannels

func section(_ number: Int, _ title: String) { print("\n\(number). \(title)") }

/// One value goes from another thread to this one.
func oneValue() throws {
  section(1, "One value from one thread")
  let channel = Channel.unbounded(of: String.self)

  // The thread gets a sender of its own. The channel value keeps none, so this is the only one.
  Thread.detachNewThread { [sender = channel.sender] in
    _ = sender.send("hi")
  }

  // Blocks until there is something; nil would mean that nothing can come any more.
  var receiver = channel.receiver
  if let value = receiver.receive() { print("got: \(value)") }
}

/// A value belongs to the receiving side once it was sent; it need not be Sendable for that.
func valueIsGone() throws {
  section(2, "A value that was sent is gone")
  final class Draft {
    var lines = ["Dear reader,"]
  }
  let channel = Channel.unbounded(of: Draft.self)

  Thread.detachNewThread { [sender = channel.sender] in
    let draft = Draft()
    draft.lines.append("this was written on another thread.")
    _ = sender.send(draft)
    // draft.lines.append("P.S.")
    // error: sending 'draft' risks causing data races
  }

  var receiver = channel.receiver
  if let draft = receiver.receive() {
    draft.lines.append("This was added on the main thread.")
    print("got: \(draft.lines.joined(separator: " "))")
  }
}

/// The receiver as a sequence: the loop ends when all senders are gone and what they sent has been received.
func severalValues() throws {
  section(3, "Several values, received by iterating")
  let channel = Channel.unbounded(of: String.self)

  // The sender lives in the closure, and is gone when the thread has run it. Two things would keep it alive, and this
  // loop waiting for ever: a `let sender = channel.sender` out here, and a variable with the `Thread`, since Foundation
  // keeps a thread's block for as long as the thread object lives. Hence the capture list, and `detachNewThread`.
  Thread.detachNewThread { [sender = channel.sender] in
    for value in ["hi", "from", "the", "thread"] { _ = sender.send(value) }
  }

  for value in channel.receiver.blockingElements() { print("got: \(value)") }
  print("the sender is gone, so the loop has ended")
}

/// A copy of a sender sends to the same channel.
func twoProducers() throws {
  section(4, "Two producers")
  let channel = Channel.unbounded(of: String.self)
  let sender = channel.sender
  for name in ["a", "b"] {
    Thread.detachNewThread {
      for i in 1...3 { _ = sender.send("\(name)\(i)") }
    }
  }
  // Each thread has its copy. This one must go, or the channel would stay open.
  _ = consume sender

  var received: [String] = []
  for value in channel.receiver.blockingElements() { received.append(value) }
  // The two interleave as they happen to run; the order of each one is kept.
  for name in ["a", "b"] { print("from \(name): \(received.filter { $0.hasPrefix(name) })") }
}

/// `tryReceive` never waits, so that this thread can do something else in the meantime.
func polling() throws {
  section(5, "Polling, with other work in between")
  let channel = Channel.unbounded(of: String.self)
  let start = Channel.unbounded(of: Void.self)
  var startReceiver: Optional = start.receiver
  _ = startReceiver
  Thread.detachNewThread { [sender = channel.sender] in
    _ = sender.send("the result")
  }

  var receiver = channel.receiver
  var rounds = 0
  polling: while true {
    switch receiver.tryReceive() {
    case .received(let value): print("got: \(value)")
    case .empty: rounds += 1
    case .closed: break polling
    }
  }
  print("\(rounds)")
}
