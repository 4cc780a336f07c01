import TestSupport
import Testing
import TroupeChannels

@Suite(.spins) struct ClosingTests {
  @Test(arguments: Flavour.all)
  func `C29 a send after the receiver is gone gives the element back`(flavour: Flavour) async {
    let channel = flavour.channel(of: Int.self)
    let sender = channel.sender
    let before = sender
    _ = consume channel
    let after = sender
    for each in [sender, before, after] {
      #expect(each.isClosed)
      #expect(each.trySend(1) == .closed(1))
      #expect(await each.send(2) == .closed(2))
      #expect(await each.send(3, timeout: .seconds(3_600)) == .closed(3))
      #expect(await each.send(4, timeout: .zero) == .closed(4))
      #expect(await onThread(each) { $0.sendBlocking(5) }.value == .closed(5))
      #expect(await onThread(each) { $0.sendBlocking(6, timeout: .seconds(3_600)) }.value == .closed(6))
    }
  }

  @Test func `C29 a refused element throws by its own name`() {
    let channel = Channel.unbounded(of: Int.self)
    let sender = channel.sender
    _ = consume channel
    #expect(throws: SendError.closed) { try sender.send(1).get() }
    #expect(throws: SendError.closed) { try sender.trySend(1).get() }
    let full = Channel.rendezvous(of: Int.self)
    let bounded = full.sender
    #expect(throws: SendError.full) { try bounded.trySend(1).get() }
    _ = consume full
    #expect(throws: SendError.closed) { try bounded.trySend(1).get() }
  }

  @Test(arguments: Flavour.all, Form.allCases)
  func `C30 a sender in a loop notices that the receiver goes`(flavour: Flavour, form: Form) async {
    let channel = flavour.channel(of: Int.self)
    let producing = form.produce(.max, to: channel.sender) { $0 }
    var receiver = channel.receiver()
    for i in 0..<10 {
      let element = await form.next(&receiver)
      #expect(element == i)
    }
    _ = consume receiver
    let sent = await producing.value
    #expect(sent >= 10)
    #expect(sent < .max)
  }

  @Test(arguments: Flavour.all, Form.allCases)
  func `C31 a receive on an empty channel without senders fails at once, any number of times`(
    flavour: Flavour, form: Form
  ) async {
    let channel = flavour.channel(of: Int.self)
    _ = channel.sender
    var receiver = channel.receiver()
    for _ in 0..<3 {
      let element = await form.next(&receiver)
      #expect(element == nil)
    }
    if form != .nonBlocking {
      let outcome = await form.next(&receiver, timeout: .seconds(3_600))
      #expect(outcome == .closed)
    }
    #expect(receiver.isClosed == true)
  }

  @Test(arguments: Flavour.buffered, Form.allCases)
  func `C32 buffered elements are delivered before closed`(flavour: Flavour, form: Form) async {
    let channel = flavour.channel(of: Big.self)
    var sender = Optional(channel.sender)
    let receiver = channel.receiver()
    for i in 0..<flavour.room { #expect(sender!.trySend(Big(i)) == .sent) }
    sender = nil
    #expect(receiver.isClosed == true)
    #expect(receiver.count == flavour.room)
    #expect(await form.collect(receiver) == (0..<flavour.room).map { Big($0) })
  }

  @Test(arguments: Flavour.all, Form.waiting)
  func `C33 the last sender's drop wakes a waiting receiver`(flavour: Flavour, form: Form) async {
    let channel = flavour.channel(of: Int.self)
    var first = Optional(channel.sender)
    var second = first
    let receiving = Task { [envelope = Envelope(channel.receiver())] in
      var receiver = envelope.take()
      return await form.next(&receiver)
    }
    await until { second!.isReceiverWaiting }
    first = nil
    #expect(second!.trySend(1) == .sent)
    #expect(await receiving.value == 1)

    let other = flavour.channel(of: Int.self)
    second = other.sender
    let waiting = Task { [envelope = Envelope(other.receiver())] in
      var receiver = envelope.take()
      return await form.next(&receiver)
    }
    await until { second!.isReceiverWaiting }
    second = nil
    #expect(await waiting.value == nil)
    _ = first
  }

  @Test(arguments: Flavour.waiting, Form.waiting)
  func `C34 the receiver's drop wakes every waiting sender, each with its own element`(
    flavour: Flavour, form: Form
  ) async {
    let channel = flavour.channel(of: Int.self)
    let sender = channel.sender
    let receiver = channel.receiver()
    for i in 0..<flavour.room { #expect(sender.trySend(-i) == .sent) }
    let sending = (0..<8).map { form.send([$0], to: sender) }
    await until { sender.waitingSenders == 8 }
    _ = consume receiver
    for (i, each) in sending.enumerated() { #expect(await each.value == [.closed(i)]) }
    #expect(sender.waitingSenders == 0)
  }

  @Test(arguments: Flavour.all, Form.waiting)
  func `C35 dropping some copies of a sender does not close`(flavour: Flavour, form: Form) async {
    let channel = flavour.channel(of: Int.self)
    var senders = [channel.sender]
    senders.append(channel.sender)
    for _ in 0..<4 { senders.append(senders[0]) }
    var receiver = channel.receiver()
    while senders.count > 1 {
      senders.removeFirst()
      #expect(receiver.isClosed == false)
      let sending = form.send([senders.count], to: senders[0])
      let element = await form.next(&receiver)
      #expect(element == senders.count)
      #expect(await sending.value == [.sent])
    }
    senders = []
    let end = await form.next(&receiver)
    #expect(end == nil)
  }

  @Test(arguments: Flavour.all, [true, false])
  func `C36 dropping either end first with nothing sent is clean`(flavour: Flavour, senderFirst: Bool) {
    let channel = flavour.channel(of: Ticket.self)
    var sender = Optional(channel.sender)
    var receiver = Optional(channel.receiver())
    if senderFirst { sender = nil }
    receiver = nil
    sender = nil
    let isGone = receiver == nil && sender == nil
    #expect(isGone)
  }

  @Test(arguments: Flavour.all)
  func `C36 dropping both ends at once is clean`(flavour: Flavour) async {
    let ledger = Ledger(1_000)
    for _ in 0..<Scale.count(300) {
      let channel = flavour.channel(of: Ticket.self)
      let start = Collected<Int>()
      // The sender goes when the body returns.
      let dropping = onThread(channel.sender) { sender in
        if flavour != .rendezvous { _ = sender.trySend(Ticket(ledger.madeCount, ledger)) }
        start.append(1)
        spinUntil { start.count == 2 }
      }
      let receiver = channel.receiver()
      start.append(2)
      _ = consume receiver
      await dropping.value
    }
    #expect(ledger.isBalanced)
  }

  @Test(arguments: Flavour.all)
  func `C42 two handles compare as the same channel only if they are ends of the same channel`(flavour: Flavour) {
    let channel = flavour.channel(of: Int.self)
    let (a, b) = (channel.sender, channel.sender)
    let receiver = channel.receiver()
    let otherChannel = flavour.channel(of: Int.self)
    let c = otherChannel.sender
    let other = otherChannel.receiver()
    #expect(a.isOtherEnd(of: receiver) == true)
    #expect(b.isOtherEnd(of: receiver) == true)
    #expect(c.isOtherEnd(of: receiver) == false)
    #expect(c.isOtherEnd(of: other) == true)
    #expect(a.isOtherEnd(of: other) == false)
    switch (a, b, c) {
    case (.unbounded(let a), .unbounded(let b), .unbounded(let c)):
      #expect(a == b)
      #expect(a != c)
      #expect(Set([a, b, c]).count == 2)
    case (.bounded(let a), .bounded(let b), .bounded(let c)):
      #expect(a == b)
      #expect(a != c)
      #expect(Set([a, b, c]).count == 2)
    default: Issue.record("mixed")
    }
  }
}
