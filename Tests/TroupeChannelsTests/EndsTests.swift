import TestSupport
import Testing
import TroupeChannels

/// How the ends come out of a channel value, and what becomes of those that do not.
@Suite struct EndsTests {
  @Test func `the receiver may be taken before the sender`() {
    let unbounded = Channel.unbounded(of: Int.self)
    var receiver = unbounded.receiver
    let sender = unbounded.sender
    #expect(sender.send(1).isSent)
    #expect(receiver.tryReceive() == .received(1))
    let bounded = Channel.bounded(1, of: Int.self)
    var boundedReceiver = bounded.receiver
    let boundedSender = bounded.sender
    #expect(boundedSender.trySend(1).isSent)
    #expect(boundedReceiver.tryReceive() == .received(1))
  }

  @Test(arguments: Form.allCases)
  func `C31 a receiver ends when no sender was made and none can be`(form: Form) async {
    // The channel value is gone after the expression.
    #expect(await form.collect(Channel.unbounded(of: Int.self).receiver) == [])
    #expect(await form.collect(Channel.bounded(3, of: Int.self).receiver) == [])
    #expect(await form.collect(Channel.rendezvous(of: Int.self).receiver) == [])
  }

  @Test(arguments: Form.waiting)
  func `C33 a receiver that waits ends when the channel goes without a sender`(form: Form) async {
    let channel = Channel.unbounded(of: Int.self)
    let collecting = form.forEach(channel.receiver) { _ in Issue.record("an element from nowhere") }
    _ = consume channel
    #expect(await collecting.value == 0)
  }

  @Test func `C35 a sender outlives the channel value`() {
    let channel = Channel.unbounded(of: Int.self)
    let sender = channel.sender
    var receiver = channel.receiver
    _ = consume channel
    #expect(sender.send(1).isSent)
    #expect(receiver.tryReceive() == .received(1))
    #expect(receiver.tryReceive() == .empty)
  }

  @Test func `C29 a send is refused after a channel has gone whose receiver nobody took`() async {
    let unbounded = Channel.unbounded(of: Int.self).sender
    #expect(unbounded.send(1) == .closed(1))
    let bounded = Channel.bounded(1, of: Int.self).sender
    #expect(await bounded.send(2) == .closed(2))
    let rendezvous = Channel.rendezvous(of: Int.self).sender
    #expect(await rendezvous.send(3) == .closed(3))
    await rendezvous.receiverGone()
  }

  @Test func `C31 a channel whose only sender was a temporary one is closed after the first send`() {
    let channel = Channel.unbounded(of: Int.self)
    #expect(channel.sender.send(1) == .sent)
    #expect(channel.sender.send(2) == .closed(2))
    #expect(channel.sender.isClosed)
    #expect(throws: SendError.closed) { try channel.sender.send(3).get() }
    var receiver = channel.receiver
    #expect(receiver.drain() == [1])
    #expect(receiver.tryReceive() == .closed)
  }

  @Test func `a receiver that is taken twice stops the program`() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let channel = Channel.unbounded(of: Int.self)
      _ = channel.receiver.isEmpty
      _ = channel.receiver
    }
    let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(text.contains("the receiver of this channel was taken before"), "\(text)")
  }

  @Test func `every outcome of a send says whether the element was sent`() async {
    let channel = Channel.bounded(1, of: Int.self)
    let sender = channel.sender
    #expect(await sender.send(1).isSent)
    #expect(!sender.trySend(2).isSent)
    #expect(await !sender.send(2, timeout: .zero).isSent)
    let cancelled = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return await sender.send(2)
    }
    #expect(await cancelled.value == .cancelled(2))
    #expect(await !cancelled.value.isSent)
    var receiver = channel.receiver
    #expect(receiver.drain() == [1])
    #expect(sender.trySend(3).isSent)
    let unbounded = Channel.unbounded(of: Token.self)
    let ledger = Ledger(4)
    let first = unbounded.sender.send(Token(ledger)).isSent
    let second = unbounded.sender.send(Token(ledger)).isSent
    let third = unbounded.sender.trySend(Token(ledger)).isSent
    #expect(first && !second && !third)
  }

  /// Uses nothing but what both kinds of senders have.
  private func send<S: ChannelSender>(_ numbers: Range<Int>, to sender: S) async -> Int where S.Element == Int {
    var sent = 0
    for number in numbers {
      switch sender.trySend(number) {
      case .sent: sent += 1
      case .full(let number): if await sender.sendWhenRoom(number).isSent { sent += 1 }
      case .closed: break
      }
    }
    return sent
  }

  @Test func `code for any sender waits where there is a limit`() async {
    let unbounded = Channel.unbounded(of: Int.self)
    let sender = unbounded.sender
    #expect(await send(0..<5, to: sender) == 5)
    #expect(sender.count == 5)
    #expect(await sender.sendWhenRoom(5) == .sent)
    var all = unbounded.receiver
    #expect(all.drain() == Array(0..<6))
    all.close()
    #expect(await sender.sendWhenRoom(6) == .closed(6))

    let bounded = Channel.bounded(2, of: Int.self)
    let boundedSender = bounded.sender
    async let received = Form.asynchronous.collect(bounded.receiver)
    let sending = Task { [boundedSender] in await self.send(0..<50, to: boundedSender) }
    #expect(await sending.value == 50)
    _ = consume boundedSender
    _ = consume sending
    #expect(await received == Array(0..<50))
  }
}
