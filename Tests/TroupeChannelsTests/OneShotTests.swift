import TestSupport
import Testing
import TroupeChannels

/// What any form of receive on a one-shot channel says.
private enum Answer: Equatable, Sendable {
  case value(Int)
  case nothing
}

@Suite(.spins) struct OneShotTests {
  @Test(arguments: Form.allCases, [true, false])
  func `C60 the receiver gets the value, sent before or after it waits`(form: Form, sentFirst: Bool) async {
    for round in 0..<Scale.count(100) {
      let channel = Channel.oneShot(of: Int.self)
      let sender = Envelope(channel.sender)
      let receiver = channel.receiver
      let send: @Sendable () -> Void = {
        if case .closed = sender.take().send(round) { Issue.record("closed") }
      }
      if sentFirst { send() }
      let receiving = receive(receiver, form)
      if !sentFirst { await onThread(send) { $0() }.value }
      #expect(await receiving.value == .value(round))
    }
  }

  private func receive(_ receiver: consuming OneShotReceiver<Int>, _ form: Form) -> Running<Answer> {
    switch form {
    case .blocking:
      .thread(
        onThread(receiver) { receiver in
          if let value = receiver.receive() { .value(value) } else { .nothing }
        })
    case .asynchronous:
      .task(
        inTask(receiver) { receiver in
          if let value = await receiver.receive() { .value(value) } else { .nothing }
        })
    case .nonBlocking:
      .task(
        inTask(receiver) { receiver in
          var receiver = receiver
          while true {
            switch receiver.tryReceive() {
            case .received(let value): return .value(value)
            case .closed: return .nothing
            case .empty: await Task.yield()
            }
          }
        })
    }
  }

  @Test func `C60 a second look at a one-shot channel says closed`() {
    let channel = Channel.oneShot(of: Int.self)
    let sender = channel.sender
    var receiver = channel.receiver
    #expect(receiver.tryReceive() == .empty)
    #expect(sender.send(4) == .sent)
    #expect(receiver.tryReceive() == .received(4))
    for _ in 0..<3 { #expect(receiver.tryReceive() == .closed) }
    receiver.close()
    #expect(receiver.tryReceive() == .closed)
  }

  @Test(arguments: Form.waiting)
  func `C60 a timed receive times out, or has the value`(form: Form) async {
    for timeout in [Duration.zero, .milliseconds(2), .seconds(Int64.max)] {
      let isEndless = timeout > .seconds(1)
      let channel = Channel.oneShot(of: Int.self)
      let sender = Envelope(channel.sender)
      let start = ContinuousClock.now
      let receiving: Running<OneShotOutcome<Int>> =
        form == .blocking
        ? .thread(onThread(channel.receiver) { $0.receive(timeout: timeout) })
        : .task(inTask(channel.receiver) { await $0.receive(timeout: timeout) })
      if isEndless {
        #expect(sender.take().send(1) == .sent)
        #expect(await receiving.value == .received(1))
      } else {
        #expect(await receiving.value == .timedOut)
        #expect(ContinuousClock.now - start >= timeout)
        #expect(sender.take().send(1) == .closed(1))
      }
    }
  }

  @Test(arguments: Form.allCases, [true, false])
  func `C61 a dropped sender is an error at the receiver at once`(form: Form, droppedFirst: Bool) async {
    for _ in 0..<Scale.count(100) {
      let channel = Channel.oneShot(of: Int.self)
      let sender = Envelope(channel.sender)
      let receiver = channel.receiver
      if droppedFirst { _ = sender.take() }
      let receiving = receive(receiver, form)
      if !droppedFirst { await onThread(sender) { _ = $0.take() }.value }
      #expect(await receiving.value == .nothing)
    }
  }

  @Test(arguments: [true, false])
  func `C61 a dropped or closed receiver makes send give the value back`(isDropped: Bool) {
    let ledger = Ledger(1)
    let channel = Channel.oneShot(of: Token.self)
    let sender = channel.sender
    var receiver = Optional(channel.receiver)
    if isDropped { receiver = nil } else { receiver?.close() }
    #expect(sender.isClosed == true)
    switch sender.send(Token(0, ledger)) {
    case .sent: Issue.record("sent")
    case .closed(let token):
      #expect(token.id == 0)
      #expect(ledger.alive == 1)
    }
    #expect(ledger.isBalanced)
    let rest = receiver?.tryReceive()
    switch rest {
    case .some(.closed): #expect(!isDropped)
    case .none: #expect(isDropped)
    default: Issue.record("something was received")
    }
  }

  @Test(arguments: Form.allCases)
  func `C61 closing still lets an already sent value be read, and refuses to wait for one`(form: Form) async {
    let channel = Channel.oneShot(of: Int.self)
    let sender = channel.sender
    var receiver = channel.receiver
    #expect(sender.send(8) == .sent)
    receiver.close()
    receiver.close()
    #expect(await receive(receiver, form).value == .value(8))
    if form == .nonBlocking { return }
    let other = Channel.oneShot(of: Int.self)
    let otherSender = other.sender
    var otherReceiver = other.receiver
    otherReceiver.close()
    #expect(await receive(otherReceiver, form).value == .nothing)
    #expect(otherSender.send(1) == .closed(1))
  }

  @Test func `C61 a sent value is destroyed with its receiver`() {
    let ledger = Ledger(1)
    let channel = Channel.oneShot(of: Token.self)
    var receiver = Optional(channel.receiver)
    if case .closed = channel.sender.send(Token(0, ledger)) { Issue.record("closed") }
    #expect(ledger.alive == 1)
    receiver = nil
    #expect(ledger.isBalanced)
    let isNil = receiver == nil
    #expect(isNil)
  }

  @Test func `C61 send and drop at once lose and leak nothing`() async {
    let rounds = Scale.count(500)
    let ledger = Ledger(rounds)
    var sent = 0
    for round in 0..<rounds {
      let channel = Channel.oneShot(of: Token.self)
      let start = Collected<Int>()
      let sending = onThread(channel.sender) { sender in
        start.append(1)
        spinUntil { start.count == 2 }
        switch sender.send(Token(round, ledger)) {
        case .sent: return 1
        case .closed: return 0
        }
      }
      var receiver = Optional(channel.receiver)
      await until { start.count == 1 }
      start.append(2)
      if round % 2 == 0 { receiver?.close() }
      receiver = nil
      sent += await sending.value
      let isNil = receiver == nil
      #expect(isNil)
    }
    #expect(sent <= rounds)
    #expect(ledger.madeCount == rounds)
    #expect(ledger.isBalanced)
  }

  @Test(arguments: [true, false])
  func `C61 a cancelled receive returns at once, and the late value comes back`(isTimed: Bool) async {
    for round in 0..<Scale.count(200) {
      let channel = Channel.oneShot(of: Int.self)
      let sender = Envelope(channel.sender)
      let started = Collected<Int>()
      let receiving = inTask(channel.receiver) { receiver -> OneShotOutcome<Int> in
        started.append(1)
        if isTimed { return await receiver.receive(timeout: .seconds(3_600)) }
        if let value = await receiver.receive() { return .received(value) }
        return .cancelled
      }
      if round % 2 == 0 { await until { started.count == 1 } }
      receiving.cancel()
      #expect(await receiving.value == .cancelled)
      #expect(sender.take().send(1) == .closed(1))
    }
  }

  @Test(arguments: [true, false])
  func `C62 the replying side can learn that nobody listens any more`(byClosing: Bool) async {
    for round in 0..<Scale.count(100) {
      let channel = Channel.oneShot(of: Int.self)
      let started = Collected<Int>()
      var receiver = Optional(channel.receiver)
      let replying = inTask(channel.sender) { sender -> SendOutcome<Int> in
        var sender = sender
        if sender.isClosed { Issue.record("closed too early") }
        started.append(1)
        await sender.receiverGone()
        await sender.receiverGone()
        if !sender.isClosed { Issue.record("not closed") }
        return sender.send(3)
      }
      await until { started.count == 1 }
      if round % 2 == 0 { for _ in 0..<5 { await Task.yield() } }
      if byClosing { receiver?.close() } else { receiver = nil }
      #expect(await replying.value == .closed(3))
      receiver = nil
      let isNil = receiver == nil
      #expect(isNil)
    }
  }

  @Test func `C62 one that gives up waiting for that may still send`() async {
    let channel = Channel.oneShot(of: Int.self)
    let started = Collected<Int>()
    let replying = inTask(channel.sender) { sender -> SendOutcome<Int> in
      var sender = sender
      started.append(1)
      await sender.receiverGone()
      return sender.send(3)
    }
    await until { started.count == 1 }
    replying.cancel()
    #expect(await replying.value == .sent)
    let value = await channel.receiver.receive()
    #expect(value == 3)
  }

  @Test func `C60 the ends come in either order, and the receiver is empty until and after the value`() {
    let channel = Channel.oneShot(of: Int.self)
    var receiver = channel.receiver
    #expect(receiver.isEmpty == true)
    #expect(receiver.tryReceive() == .empty)
    #expect(channel.sender.send(3) == .sent)
    #expect(receiver.isEmpty == false)
    #expect(receiver.tryReceive() == .received(3))
    #expect(receiver.isEmpty == true)
    #expect(receiver.tryReceive() == .closed)
  }
}
