import Synchronization
import TestSupport
import Testing
import TroupeChannels

@Suite(.spins) struct AsyncTests {
  @Test(arguments: Flavour.all)
  func `C53 dropping the last sender finishes, buffered elements first`(flavour: Flavour) async {
    let channel = flavour.channel(of: Int.self)
    var sender = Optional(channel.sender)
    let receiving = Task { [envelope = Envelope(channel.receiver())] in
      var receiver = envelope.take()
      var elements: [Int?] = []
      for _ in 0..<flavour.room + 2 { elements.append(await receiver.receive()) }
      return elements
    }
    await until { sender!.isReceiverWaiting }
    for i in 0..<flavour.room {
      while sender!.trySend(i) != .sent { await Task.yield() }
    }
    sender = nil
    #expect(await receiving.value == (0..<flavour.room).map { $0 } + [nil, nil])
  }

  @Test(arguments: Flavour.all, Form.allCases)
  func `C54 closing is idempotent, before any iteration too`(flavour: Flavour, form: Form) async {
    let channel = flavour.channel(of: Int.self)
    var sender = Optional(channel.sender)
    var receiver = channel.receiver()
    for _ in 0..<3 { receiver.close() }
    #expect(sender!.trySend(1) == .closed(1))
    for _ in 0..<2 {
      let element = await form.next(&receiver)
      #expect(element == nil)
      receiver.close()
    }
    sender = nil
    receiver.close()
    #expect(await form.collect(receiver) == [])
  }

  @Test(arguments: Flavour.all, [true, false])
  func `C55 a consumer cancelled while it waits returns at once and loses nothing`(
    flavour: Flavour, isTimed: Bool
  ) async {
    let channel = flavour.channel(of: Int.self)
    let sender = channel.sender
    let envelope = Envelope(channel.receiver())
    for round in 0..<3 {
      let receiving = receiveOnce(envelope, isTimed)
      await until { sender.isReceiverWaiting }
      receiving.cancel()
      #expect(await receiving.value == .cancelled)
      let sending = Form.asynchronous.send([round], to: sender)
      #expect(await receiveOnce(envelope, isTimed).value == .received(round))
      #expect(await sending.value == [.sent])
    }
  }

  @Test(arguments: Flavour.all, [true, false])
  func `C55 a consumer cancelled before it waits, or after the end`(flavour: Flavour, isTimed: Bool) async {
    let channel = flavour.channel(of: Int.self)
    var sender = Optional(channel.sender)
    let envelope = Envelope(channel.receiver())
    #expect(await receiveCancelled(envelope, isTimed) == .cancelled)
    // What is there is taken all the same.
    let sending = Form.asynchronous.send([1], to: sender!)
    await until { sender!.count == 1 || sender!.waitingSenders == 1 }
    #expect(await receiveCancelled(envelope, isTimed) == .received(1))
    #expect(await sending.value == [.sent])
    sender = nil
    for _ in 0..<2 { #expect(await receiveCancelled(envelope, isTimed) == .closed) }
  }

  @Test(arguments: Flavour.all, [true, false])
  func `C55 an element that meets a cancellation is not lost`(flavour: Flavour, isTimed: Bool) async {
    let channel = flavour.channel(of: Int.self)
    let sender = channel.sender
    let envelope = Envelope(channel.receiver())
    for round in 0..<Scale.count(500) {
      let receiving = receiveOnce(envelope, isTimed)
      if round % 3 != 0 { await until { sender.isReceiverWaiting } }
      let sending = Form.asynchronous.send([round], to: sender)
      let cancelling = onThread(receiving) { $0.cancel() }
      var outcome = await receiving.value
      await cancelling.value
      if outcome == .cancelled { outcome = await receiveOnce(envelope, isTimed).value }
      #expect(outcome == .received(round))
      #expect(await sending.value == [.sent])
    }
  }

  @Test(arguments: Flavour.waiting)
  func `C56 a cancelled send has not sent`(flavour: Flavour) async {
    let channel = flavour.channel(of: Int.self)
    let sender = channel.sender
    var receiver = channel.receiver()
    for i in 0..<flavour.room { #expect(sender.trySend(i) == .sent) }
    let sending = Task { await sender.send(77) }
    await until { sender.waitingSenders == 1 }
    sending.cancel()
    #expect(await sending.value == .cancelled(77))
    #expect(sender.waitingSenders == 0)
    #expect(receiver.drain() == Array(0..<flavour.room))
    #expect(receiver.tryReceive() == .empty)
  }

  @Test(arguments: Flavour.waiting)
  func `C56 a send that meets a receive and a cancellation is sent or comes back`(flavour: Flavour) async {
    let channel = flavour.channel(of: Int.self)
    let sender = channel.sender
    var receiver = channel.receiver()
    for round in 0..<Scale.count(500) {
      for _ in 0..<flavour.room { #expect(sender.trySend(-1) == .sent) }
      let sending = Task { await sender.send(round) }
      await until { sender.waitingSenders == 1 }
      let cancelling = onThread(sending) { $0.cancel() }
      var elements = receiver.drain()
      await cancelling.value
      let outcome = await sending.value
      elements += receiver.drain()
      switch outcome {
      case .sent: #expect(elements.filter { $0 >= 0 } == [round])
      case .cancelled(let element):
        #expect(element == round)
        #expect(elements.filter { $0 >= 0 } == [])
      default: Issue.record("\(outcome)")
      }
      #expect(elements.filter { $0 < 0 }.count == flavour.room)
    }
  }

  @Test(arguments: Flavour.waiting, 0..<5)
  func `C57 cancelling one waiting producer leaves the others alone`(flavour: Flavour, victim: Int) async {
    let channel = flavour.channel(of: Int.self)
    let sender = channel.sender
    var receiver = channel.receiver()
    for _ in 0..<flavour.room { #expect(sender.trySend(-1) == .sent) }
    var sending: [Task<WaitingSendOutcome<Int>, Never>] = []
    for i in 0..<5 {
      sending.append(Task { await sender.send(i) })
      await until { sender.waitingSenders == i + 1 }
    }
    sending[victim].cancel()
    #expect(await sending[victim].value == .cancelled(victim))
    #expect(sender.waitingSenders == 4)
    var elements: [Int] = []
    while elements.count < flavour.room + 4 {
      if let element = await receiver.receive() { elements.append(element) }
    }
    #expect(elements.filter { $0 >= 0 }.sorted() == (0..<5).filter { $0 != victim })
    for i in 0..<5 where i != victim { #expect(await sending[i].value == .sent) }
  }

  @Test(arguments: Flavour.all)
  func `C58 two producers on different executors`(flavour: Flavour) async {
    let each = Scale.count(5_000)
    let channel = flavour.channel(of: Int.self)
    let producing = produce(each, channel.sender)
    let elements = await Form.asynchronous.collect(channel.receiver())
    #expect(elements.filter { $0 < each } == Array(0..<each))
    #expect(elements.filter { $0 >= each } == Array(each..<2 * each))
    for task in producing { #expect(await task.value == each) }
  }

  private func produce(_ each: Int, _ sender: consuming AnySender<Int>) -> [Task<Int, Never>] {
    [
      Task { @MainActor [sender] in
        for i in 0..<each where await sender.send(i) != .sent { return i }
        return each
      },
      Task { [sender] in
        for i in each..<2 * each where await sender.send(i) != .sent { return i }
        return each
      },
    ]
  }
}

/// One asynchronous receive in a task of its own.
private func receiveOnce(_ envelope: Envelope<Receiver<Int>>, _ isTimed: Bool) -> Task<TimedReceiveOutcome<Int>, Never>
{
  Task { await receiveHere(envelope, isTimed) }
}

/// One asynchronous receive in a task that has been cancelled before.
private func receiveCancelled(_ envelope: Envelope<Receiver<Int>>, _ isTimed: Bool) async -> TimedReceiveOutcome<Int> {
  await Task {
    withUnsafeCurrentTask { $0?.cancel() }
    return await receiveHere(envelope, isTimed)
  }.value
}

private func receiveHere(_ envelope: Envelope<Receiver<Int>>, _ isTimed: Bool) async -> TimedReceiveOutcome<Int> {
  var receiver = envelope.take()
  var outcome: TimedReceiveOutcome<Int>
  if isTimed {
    outcome = await receiver.receive(timeout: .seconds(3_600))
  } else if let element = await receiver.receive() {
    outcome = .received(element)
  } else {
    outcome = receiver.isClosed ? .closed : .cancelled
  }
  envelope.put(receiver)
  return outcome
}
