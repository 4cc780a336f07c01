import CTroupeShims
import TestSupport
import Testing
import TroupeChannels

private let moment = Duration.milliseconds(3)

@Suite(.spins) struct TimedTests {
  @Test(arguments: Flavour.all, Form.waiting)
  func `C14 a timed receive returns a present element at once`(flavour: Flavour, form: Form) async {
    let channel = flavour.channel(of: Int.self)
    let sender = channel.sender
    var receiver = channel.receiver()
    let sending = form.send([5], to: sender)
    let outcome = await form.next(&receiver, timeout: .seconds(3_600))
    #expect(outcome == .received(5))
    #expect(await sending.value == [.sent])
  }

  @Test(arguments: Flavour.all, Form.waiting)
  func `C14 else it times out, not earlier than asked, and a later element is received`(
    flavour: Flavour, form: Form
  ) async {
    let channel = flavour.channel(of: Int.self)
    let sender = channel.sender
    var receiver = channel.receiver()
    for round in 0..<3 {
      let start = ContinuousClock.now
      let outcome = await form.next(&receiver, timeout: moment)
      let elapsed = ContinuousClock.now - start
      #expect(outcome == .timedOut)
      #expect(elapsed >= moment)
      let sending = form.send([round], to: sender)
      let later = await form.next(&receiver)
      #expect(later == round)
      #expect(await sending.value == [.sent])
    }
  }

  @Test(arguments: Flavour.all, Form.waiting)
  func `C15 timeout and closed are different outcomes`(flavour: Flavour, form: Form) async {
    let channel = flavour.channel(of: Int.self)
    var sender = Optional(channel.sender)
    var receiver = channel.receiver()
    #expect(sender!.isClosed == false)
    let first = await form.next(&receiver, timeout: moment)
    #expect(first == .timedOut)
    sender = nil
    let second = await form.next(&receiver, timeout: moment)
    #expect(second == .closed)
    let third = await form.next(&receiver, timeout: .seconds(3_600))
    #expect(third == .closed)
  }

  @Test(arguments: Flavour.all, Form.waiting)
  func `C16 a zero or past deadline still returns an available element`(flavour: Flavour, form: Form) async {
    let channel = flavour.channel(of: Int.self)
    let sender = channel.sender
    var receiver = channel.receiver()
    for timeout in [Duration.zero, .seconds(-1), .seconds(Int64.min)] {
      let nothing = await form.next(&receiver, timeout: timeout)
      #expect(nothing == .timedOut)
      let sending = form.send([1], to: sender)
      // On a rendezvous channel "available" is a sender that waits.
      await until { sender.count == 1 || sender.waitingSenders == 1 }
      let something = await form.next(&receiver, timeout: timeout)
      #expect(something == .received(1))
      #expect(await sending.value == [.sent])
    }
  }

  @Test(arguments: Flavour.all, Form.waiting)
  func `C17 an enormous timeout neither overflows nor traps, and a send ends it`(flavour: Flavour, form: Form) async {
    let channel = flavour.channel(of: Int.self)
    let sender = channel.sender
    let enormous: [Duration] = [.seconds(Int64.max), .nanoseconds(Int64.max), .seconds(400 * 86_400)]
    let receiving = Task { [envelope = Envelope(channel.receiver())] in
      var receiver = envelope.take()
      var outcomes: [TimedReceiveOutcome<Int>] = []
      for timeout in enormous { outcomes.append(await form.next(&receiver, timeout: timeout)) }
      return outcomes
    }
    for i in enormous.indices {
      await until { sender.isReceiverWaiting }
      #expect(sender.trySend(i) == .sent)
    }
    #expect(await receiving.value == [.received(0), .received(1), .received(2)])
  }

  @Test(arguments: Flavour.waiting, Form.waiting)
  func `C17 an enormous timeout of a send`(flavour: Flavour, form: Form) async {
    let channel = flavour.channel(of: Int.self)
    let sender = channel.sender
    var receiver = channel.receiver()
    let room = flavour.room
    for i in 0..<room { #expect(sender.trySend(i) == .sent) }
    let sending = timedSend(room, to: sender, timeout: .seconds(Int64.max), form)
    await until { sender.waitingSenders == 1 }
    for i in 0...room {
      let element = await form.next(&receiver)
      #expect(element == i)
    }
    #expect(await sending.value == .sent)
  }

  @Test(arguments: Flavour.all, Form.waiting)
  func `C18 timed receives against slow producers lose and duplicate nothing`(flavour: Flavour, form: Form) async {
    let each = Scale.count(300)
    let channel = flavour.channel(of: Int.self)
    let producers = slowProducers(channel.sender, each, form)
    let receiving = Task { [envelope = Envelope(channel.receiver())] in
      var receiver = envelope.take()
      var (elements, timeouts) = ([Int](), 0)
      while true {
        switch await form.next(&receiver, timeout: .microseconds(20)) {
        case .received(let element): elements.append(element)
        case .timedOut: timeouts += 1
        case .cancelled: return elements
        case .closed: return elements
        }
      }
    }
    let elements = await receiving.value
    #expect(elements.count == 2 * each)
    #expect(elements.filter { $0 < each } == Array(0..<each))
    #expect(elements.filter { $0 >= each } == Array(each..<2 * each))
    for producer in producers { #expect(await producer.value) }
  }

  /// One that sends with a timeout until it has sent, and one that sends without; both dawdle.
  private func slowProducers(_ sender: consuming AnySender<Int>, _ each: Int, _ form: Form) -> [Task<Bool, Never>] {
    let timed = Task { [sender] in
      for i in 0..<each {
        for _ in 0..<(i % 7) { await Task.yield() }
        while await sender.send(i, timeout: .microseconds(20)) != .sent {}
      }
      return true
    }
    let untimed = Task { [sender] in
      for i in each..<2 * each {
        for _ in 0..<(i % 5) { await Task.yield() }
        if await sender.send(i) != .sent { return false }
      }
      return true
    }
    return [timed, untimed]
  }

  @Test(arguments: Flavour.waiting, Form.waiting)
  func `C21 a timed send is sent, times out with its element, or is closed with its element`(
    flavour: Flavour, form: Form
  ) async {
    let channel = flavour.channel(of: Int.self)
    let sender = channel.sender
    var receiver = channel.receiver()
    for i in 0..<flavour.room {
      #expect(await timedSend(i, to: sender, timeout: moment, form).value == .sent)
    }
    let start = ContinuousClock.now
    #expect(await timedSend(50, to: sender, timeout: moment, form).value == .timedOut(50))
    #expect(ContinuousClock.now - start >= moment)
    #expect(await timedSend(51, to: sender, timeout: .zero, form).value == .timedOut(51))
    #expect(await timedSend(52, to: sender, timeout: .seconds(-5), form).value == .timedOut(52))
    #expect(sender.count == flavour.room)
    let waiting = timedSend(60, to: sender, timeout: .seconds(3_600), form)
    await until { sender.waitingSenders == 1 }
    for i in 0..<flavour.room {
      let element = await form.next(&receiver)
      #expect(element == i)
    }
    let last = await form.next(&receiver)
    #expect(last == 60)
    #expect(await waiting.value == .sent)
    receiver.close()
    #expect(await timedSend(53, to: sender, timeout: .seconds(3_600), form).value == .closed(53))
  }

  private func timedSend(
    _ element: Int, to sender: AnySender<Int>, timeout: Duration, _ form: Form
  ) -> Running<WaitingSendOutcome<Int>> {
    form == .blocking
      ? .thread(onThread(sender) { $0.sendBlocking(element, timeout: timeout) })
      : .task(inTask(sender) { await $0.send(element, timeout: timeout) })
  }

  @Test(arguments: Flavour.all, Form.waiting)
  func `C14 no timed receive is early, however short its time`(flavour: Flavour, form: Form) async {
    let channel = flavour.channel(of: Int.self)
    let sender = channel.sender
    var receiver = channel.receiver()
    let count = Scale.count(60)
    let early: Int
    if form == .blocking {
      early = await Form.moved(&receiver) { receiver in
        var early = 0
        for timeout in ShortTimes(seed: 1, count) {
          let start = troupe_clock_now()
          let outcome = receiver.receive(timeout: .nanoseconds(timeout))
          if outcome != .timedOut || troupe_clock_now() - start < timeout { early += 1 }
        }
        return early
      }
    } else {
      var seen = 0
      for timeout in ShortTimes(seed: 2, count) {
        let start = troupe_clock_now()
        let outcome = await receiver.receive(timeout: .nanoseconds(timeout))
        if outcome != .timedOut || troupe_clock_now() - start < timeout { seen += 1 }
      }
      early = seen
    }
    #expect(early == 0)
    #expect(!sender.isClosed)
  }

  @Test(arguments: Flavour.waiting, Form.waiting)
  func `C21 no timed send is early, however short its time`(flavour: Flavour, form: Form) async {
    let channel = flavour.channel(of: Int.self)
    let sender = channel.sender
    let receiver = channel.receiver()
    for i in 0..<flavour.room { #expect(sender.trySend(i) == .sent) }
    let count = Scale.count(60)
    let sending: Running<Int> =
      form == .blocking
      ? .thread(
        onThread(sender) { sender in
          var early = 0
          for timeout in ShortTimes(seed: 3, count) {
            let start = troupe_clock_now()
            let outcome = sender.sendBlocking(7, timeout: .nanoseconds(timeout))
            if outcome != .timedOut(7) || troupe_clock_now() - start < timeout { early += 1 }
          }
          return early
        })
      : .task(
        inTask(sender) { sender in
          var early = 0
          for timeout in ShortTimes(seed: 4, count) {
            let start = troupe_clock_now()
            let outcome = await sender.send(7, timeout: .nanoseconds(timeout))
            if outcome != .timedOut(7) || troupe_clock_now() - start < timeout { early += 1 }
          }
          return early
        })
    #expect(await sending.value == 0)
    #expect(receiver.count == flavour.room)
  }
}

/// So many times in nanoseconds, at random below 5 ms.
private struct ShortTimes: Sequence, IteratorProtocol {
  private var random: SplitMix
  private var left: Int
  init(seed: UInt64, _ count: Int) {
    random = SplitMix(seed: seed)
    left = count
  }
  mutating func next() -> Int64? {
    if left == 0 { return nil }
    left -= 1
    return Int64(random.next() % 5_000_000)
  }
}
