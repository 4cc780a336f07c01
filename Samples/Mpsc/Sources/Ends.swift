import Foundation
import TroupeChannels

func otherEndGone() throws {
  section(6, "When the other end is gone")

  // A sender learns it from the outcome of its send, which also brings the value back.
  let letters = Channel.unbounded(of: String.self)
  let writer = letters.sender
  let reader = letters.receiver
  _ = consume reader
  switch writer.send("a letter") {
  case .sent: print("sent")
  case .closed(let letter): print("nobody receives any more; back came: \(letter)")
  }

  // Code that only wants to know whether the value was sent can have an error instead.
  do { try writer.send("another letter").get() } catch { print("as an error: \(error)") }

  // A receiver first gets everything that was sent, and then nil.
  let news = Channel.unbounded(of: String.self)
  do {
    let sender = news.sender
    try sender.send("the last news").get()
  }
  var receiver = news.receiver
  while let value = receiver.receive() { print("the senders are gone, and still got: \(value)") }
  print("now there is nothing, and nothing can come")

  // The receiver can also close the channel: senders are refused from then on, and what was sent can still be
  // received.
  let office = Channel.unbounded(of: String.self)
  let visitor = office.sender
  var clerk = office.receiver
  try visitor.send("the first visitor").get()
  clerk.close()
  if case .closed(let value) = visitor.send("the second visitor") { print("closed; sent away: \(value)") }
  print("closed; still served: \(clerk.drain())")
}

/// Several kinds of things go through one channel as the cases of an enum.
enum Event: Sendable {
  case text(String)
  case temperature(degrees: Double)
  case position(x: Int, y: Int)
}

func severalKinds() throws {
  section(7, "Values of several kinds")
  let channel = Channel.unbounded(of: Event.self)
  Thread.detachNewThread { [sender = channel.sender] in
    _ = sender.send(.text("all is well"))
    _ = sender.send(.temperature(degrees: 21.5))
    _ = sender.send(.position(x: 3, y: 4))
  }
  for event in channel.receiver.blockingElements() {
    // The compiler sees to it that no kind is forgotten.
    switch event {
    case .text(let text): print("a text: \(text)")
    case .temperature(let degrees): print("a temperature: \(degrees)")
    case .position(let x, let y): print("a position: \(x), \(y)")
    }
  }
}
