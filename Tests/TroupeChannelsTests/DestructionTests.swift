import TestSupport
import Testing
import TroupeChannels

/// An element that sends another one when it is destroyed, `budget` times.
private struct Bouncer: ~Copyable, Sendable {
  let sender: AnySender<Bouncer>?
  let budget: Int
  let destroyed: Collected<Int>
  deinit {
    destroyed.append(budget)
    if budget > 0 { _ = sender?.trySend(Bouncer(sender: sender, budget: budget - 1, destroyed: destroyed)) }
  }
}

/// An element that holds a sender of its own channel.
private final class Holder: Sendable {
  let sender: AnySender<Holder>
  let destroyed: Collected<Int>
  init(_ sender: AnySender<Holder>, _ destroyed: Collected<Int>) {
    self.sender = sender
    self.destroyed = destroyed
  }
  deinit { destroyed.append(1) }
}

private final class Canary: Sendable {
  let gone: Collected<Int>
  init(_ gone: Collected<Int>) { self.gone = gone }
  deinit { gone.append(1) }
}

@Suite(.spins) struct DestructionTests {
  @Test(arguments: [Flavour.unbounded, .bounded(1), .bounded(3), .bounded(200)], [true, false])
  func `C37 unread elements are destroyed when the receiver goes, though senders live on`(
    flavour: Flavour, someTaken: Bool
  ) {
    let ledger = Ledger(1_000)
    let channel = flavour.channel(of: Token.self)
    let sender = channel.sender
    var receiver = channel.receiver()
    let count = flavour == .unbounded ? 300 : flavour.room
    for i in 0..<count { _ = sender.trySend(Token(i, ledger)) }
    if someTaken {
      for _ in 0..<count / 2 { _ = receiver.tryReceive() }
    }
    _ = consume receiver
    #expect(ledger.madeCount == count)
    #expect(ledger.isBalanced)
    #expect(sender.count == 0)
  }

  @Test(arguments: 0..<UInt64(24))
  func `C38 every element is destroyed exactly once in random runs`(seed: UInt64) {
    for flavour in Flavour.buffered + [.bounded(16)] {
      var random = SplitMix(seed: seed)
      let ledger = Ledger(4_000)
      let channel = flavour.channel(of: Ticket.self)
      let sender = channel.sender
      var receiver = channel.receiver()
      for _ in 0..<300 {
        switch random.next() % 4 {
        case 0, 1:
          for _ in 0..<Int(random.next() % 12) { _ = sender.trySend(Ticket(ledger.madeCount, ledger)) }
        case 2:
          for _ in 0..<Int(random.next() % 16) { _ = receiver.tryReceive() }
        default:
          if random.next() % 100 == 0 { receiver.close() }
        }
        if ledger.alive != sender.count { Issue.record("\(ledger.alive) alive, \(sender.count) queued, seed \(seed)") }
      }
      _ = consume receiver
      #expect(ledger.isBalanced, "seed \(seed), \(flavour)")
    }
  }

  @Test(arguments: Flavour.buffered)
  func `C39 an element whose deinit sends to the same channel`(flavour: Flavour) {
    let destroyed = Collected<Int>()
    let channel = flavour.channel(of: Bouncer.self)
    let sender = channel.sender
    var receiver = channel.receiver()
    _ = sender.trySend(Bouncer(sender: sender, budget: 3, destroyed: destroyed))
    // Destroyed by the receiver: the next one is in the queue.
    _ = receiver.tryReceive()
    #expect(destroyed.all == [3])
    #expect(sender.count == 1)
    // Destroyed with the channel: the next ones are refused.
    _ = consume receiver
    #expect(destroyed.all.sorted() == [0, 1, 2, 3])
    #expect(sender.count == 0)
  }

  @Test func `C39 a long queue of such elements is torn down without recursion`() {
    let destroyed = Collected<Int>()
    let channel = Flavour.unbounded.channel(of: Bouncer.self)
    let sender = channel.sender
    let receiver = channel.receiver()
    for _ in 0..<10_000 { _ = sender.trySend(Bouncer(sender: sender, budget: 1, destroyed: destroyed)) }
    _ = consume receiver
    #expect(destroyed.count == 20_000)
  }

  @Test(arguments: Flavour.buffered, [true, false])
  func `C39 an element that drops the last sender of its channel`(flavour: Flavour, isReceived: Bool) {
    let destroyed = Collected<Int>()
    let channel = flavour.channel(of: Holder.self)
    for _ in 0..<flavour.room {
      let sender = channel.sender
      if case .sent = sender.trySend(Holder(sender, destroyed)) { continue }
      Issue.record("not sent")
    }
    var receiver = channel.receiver()
    #expect(receiver.isClosed == false)
    if isReceived {
      for _ in 0..<flavour.room { _ = receiver.tryReceive() }
      #expect(receiver.isClosed == true)
      let isOver = if case .closed = receiver.tryReceive() { true } else { false }
      #expect(isOver)
    } else {
      _ = consume receiver
    }
    #expect(destroyed.count == flavour.room)
  }

  @Test(arguments: Flavour.all)
  func `C40 what a parked receiver holds is released when the receiver goes`(flavour: Flavour) async {
    let gone = Collected<Int>()
    let channel = flavour.channel(of: Int.self)
    let sender = channel.sender
    let receiving = park(channel.receiver(), Canary(gone))
    await until { sender.isReceiverWaiting }
    #expect(gone.count == 0)
    receiving.cancel()
    await receiving.value
    await until { gone.count == 1 }
    #expect(sender.trySend(1) == .closed(1))
  }

  private func park(_ receiver: consuming Receiver<Int>, _ canary: Canary) -> Task<Void, Never> {
    inTask(receiver) { receiver in
      var receiver = receiver
      _ = await receiver.receive()
      withExtendedLifetime(canary) {}
    }
  }

  @Test(arguments: Flavour.all)
  func `C41 iteration ends on close after draining, and break keeps the rest`(flavour: Flavour) async {
    let channel = flavour.channel(of: Int.self)
    let producing = Form.asynchronous.produce(6, to: channel.sender) { $0 }
    var elements: [Int] = []
    let sequence = channel.receiver().elements()
    for await element in sequence {
      elements.append(element)
      if element == 2 { break }
    }
    #expect(elements == [0, 1, 2])
    for await element in sequence { elements.append(element) }
    #expect(elements == Array(0..<6))
    for await _ in sequence { Issue.record("after the end") }
    #expect(await producing.value == 6)
  }

  @Test(arguments: Flavour.all)
  func `C41 also on a thread`(flavour: Flavour) async {
    let channel = flavour.channel(of: Int.self)
    let producing = Form.blocking.produce(6, to: channel.sender) { $0 }
    let elements = await onThread(channel.receiver()) { receiver in
      var elements: [Int] = []
      let sequence = receiver.blockingElements()
      for element in sequence {
        elements.append(element)
        if element == 2 { break }
      }
      elements.append(-1)
      for element in sequence { elements.append(element) }
      for _ in sequence { elements.append(-2) }
      return elements
    }.value
    #expect(elements == [0, 1, 2, -1, 3, 4, 5])
    #expect(await producing.value == 6)
  }

  @Test(arguments: Flavour.all)
  func `C41 a body of forEach that throws keeps the rest`(flavour: Flavour) async {
    struct Stop: Error {}
    let channel = flavour.channel(of: Int.self)
    let producing = Form.asynchronous.produce(4, to: channel.sender) { $0 }
    var receiver = channel.receiver()
    do {
      try await receiver.forEach { (element: consuming sending Int) async throws(Stop) in
        if element == 1 { throw Stop() }
      }
      Issue.record("did not throw")
    } catch {}
    let elements = await Form.blocking.collect(receiver)
    #expect(elements == [2, 3])
    #expect(await producing.value == 4)
  }
}
