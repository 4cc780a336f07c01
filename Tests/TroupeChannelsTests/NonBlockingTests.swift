import TestSupport
import Testing
import TroupeChannels

@Suite(.spins) struct NonBlockingTests {
  @Test(arguments: Flavour.all)
  func `C12 tryReceive says empty, the value, empty, and closed for ever`(flavour: Flavour) async {
    let channel = flavour.channel(of: Int.self)
    var sender = Optional(channel.sender)
    var receiver = channel.receiver()
    #expect(receiver.tryReceive() == .empty)
    #expect(receiver.tryReceive() == .empty)
    let sending = Form.asynchronous.send([1], to: sender!)
    var outcome = receiver.tryReceive()
    while outcome == .empty {
      await Task.yield()
      outcome = receiver.tryReceive()
    }
    #expect(outcome == .received(1))
    #expect(receiver.tryReceive() == .empty)
    #expect(await sending.value == [.sent])
    sender = nil
    await until { receiver.isClosed }
    for _ in 0..<3 { #expect(receiver.tryReceive() == .closed) }
  }

  @Test(arguments: Flavour.buffered)
  func `C13 tryReceive gives the buffered elements first, then closed`(flavour: Flavour) {
    let channel = flavour.channel(of: Int.self)
    var sender = Optional(channel.sender)
    var receiver = channel.receiver()
    for i in 0..<flavour.room { #expect(sender!.trySend(i) == .sent) }
    sender = nil
    for i in 0..<flavour.room { #expect(receiver.tryReceive() == .received(i)) }
    for _ in 0..<3 { #expect(receiver.tryReceive() == .closed) }
  }

  @Test func `C19 trySend on a bounded channel`() {
    for capacity in [1, 3, 4, 5] {
      let channel = Channel.bounded(capacity, of: Int.self)
      let sender = channel.sender
      var receiver = channel.receiver
      for lap in 0..<5 {
        for i in 0..<capacity { #expect(sender.trySend(i + lap) == .sent) }
        #expect(sender.trySend(99) == .full(99))
        #expect(receiver.tryReceive() == .received(lap))
        #expect(sender.trySend(capacity + lap) == .sent)
        #expect(sender.trySend(98) == .full(98))
        #expect(receiver.drain() == Array(lap + 1...lap + capacity))
      }
      _ = consume receiver
      #expect(sender.trySend(97) == .closed(97))
    }
  }

  @Test(arguments: Form.waiting)
  func `C20 trySend on a rendezvous channel is full unless a receiver waits right now`(form: Form) async {
    let channel = Flavour.rendezvous.channel(of: Int.self)
    let sender = channel.sender
    var receiver = channel.receiver()
    #expect(sender.trySend(1) == .full(1))
    let timedOut = await form.next(&receiver, timeout: .zero)
    #expect(timedOut == .timedOut)
    #expect(sender.trySend(2) == .full(2))
    let envelope = Envelope(receiver)
    let receiving = Task {
      var receiver = envelope.take()
      let element = await form.next(&receiver)
      envelope.put(receiver)
      return element
    }
    await until { sender.isReceiverWaiting }
    #expect(sender.trySend(3) == .sent)
    #expect(sender.trySend(4) == .full(4))
    #expect(await receiving.value == 3)
    #expect(sender.trySend(5) == .full(5))
  }

  @Test func `C22 trySend on an unbounded channel never says full`() {
    let channel = Channel.unbounded(of: Int.self)
    let sender = channel.sender
    let count = Scale.count(100_000)
    for i in 0..<count {
      if sender.trySend(i) != .sent { Issue.record("\(i) was not sent") }
    }
    #expect(sender.count == count)
    _ = consume channel
    #expect(sender.trySend(1) == .closed(1))
  }
}
