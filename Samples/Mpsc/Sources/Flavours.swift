import Foundation
import TroupeChannels

func bounded() throws {
  section(8, "Room for two")
  let channel = Channel.bounded(2, of: Int.self)
  let sender = channel.sender
  var receiver = channel.receiver

  for value in 1...3 {
    switch sender.trySend(value) {
    case .sent: print("\(value) has found room")
    case .full(let value): print("there is no room for \(value)")
    case .closed: print("closed")
    }
  }

  // `send` waits for room, so a fast producer goes no faster than its consumer, and the memory stays what it is.
  Thread.detachNewThread {
    for value in 3...6 { _ = sender.send(value) }
  }
  _ = consume sender

  var most = 0
  while let value = receiver.receive() {
    print("got: \(value)")
    most = max(most, receiver.count)
  }
  print("never more than two in the channel: \(most <= 2)")
}

func rendezvous() throws {
  section(9, "No room at all: from hand to hand")
  let channel = Channel.rendezvous(of: String.self)
  let done = Channel.unbounded(of: String.self)

  Thread.detachNewThread { [sender = channel.sender, done = done.sender] in
    // The send returns when the receiver has the value, so this order of events is certain.
    if case .sent = sender.send("the baton") { _ = done.send("it was taken") }
  }

  var receiver = channel.receiver
  var doneReceiver = done.receiver
  print("before: done says \(doneReceiver.tryReceive())")
  if let value = receiver.receive() { print("got: \(value)") }
  if let value = doneReceiver.receive() { print("done says: \(value)") }
}

/// A question, and where its answer goes. A one-shot sender cannot be copied, and neither can a type that holds one.
/// The types thus make sure that each question is answered at most once.
struct ServiceRequest: ~Copyable {
  let number: Int
  let answer: OneShotSender<Int>
}

func oneShot() throws {
  section(10, "One-shot: an answer for each question")
  let questions = Channel.unbounded(of: ServiceRequest.self)

  Thread.detachNewThread { [questions = questions.sender] in
    for number in [3, 4, -1] {
      let channel = Channel.oneShot(of: Int.self)
      _ = questions.send(ServiceRequest(number: number, answer: channel.sender))
      // Nil means that the other side let go of the sender. There is no way to wait for an answer that cannot come.
      switch channel.receiver.receive() {
      case let answer?: print("the square of \(number) is \(answer)")
      case nil: print("no answer about \(number)")
      }
    }
  }

  // Elements that cannot be copied are received with a `while` loop, or with `forEach`.
  var receiver = questions.receiver
  while let question = receiver.receive() {
    if question.number >= 0 { _ = question.answer.send(question.number * question.number) }
  }
}
