import TestSupport
import Testing
import TroupeChannels

@Suite(.spins) struct DeliveryTests {
  @Test(arguments: Flavour.all, Form.allCases)
  func `C1 what was sent is received`(flavour: Flavour, form: Form) async {
    let channel = flavour.channel(of: Int.self)
    let sender = channel.sender
    var receiver = channel.receiver()
    let sending = form.send([7], to: sender)
    let element = await form.next(&receiver)
    #expect(element == 7)
    #expect(await sending.value == [.sent])
  }

  @Test(arguments: Flavour.buffered, Form.allCases)
  func `C2 a copy of a sender sends to the same queue`(flavour: Flavour, form: Form) async {
    let channel = flavour.channel(of: Int.self)
    let original = channel.sender
    var receiver = channel.receiver()
    let copy = original
    for (i, sender) in [copy, original, copy].enumerated() {
      #expect(await form.send([i], to: sender).value == [.sent])
      let element = await form.next(&receiver)
      #expect(element == i)
    }
  }

  @Test(arguments: Flavour.all, Form.allCases)
  func `C3 the elements of one producer arrive in order, each once, then closed`(flavour: Flavour, form: Form) async {
    // Past the inline slots and several blocks, and every edge in between.
    for count in [0, 1, 2, 7, 8, 9, 63, 64, 65, 71, 72, 73, 300] {
      let channel = flavour.channel(of: Int.self)
      let producing = form.produce(count, to: channel.sender) { $0 }
      let elements = await form.collect(channel.receiver())
      #expect(elements == Array(0..<count))
      #expect(await producing.value == count)
    }
  }

  @Test(arguments: Flavour.all, Form.allCases)
  func `C3 also large elements, whose blocks are short`(flavour: Flavour, form: Form) async {
    for count in 0...7 {
      let channel = flavour.channel(of: Big.self)
      let producing = form.produce(count, to: channel.sender) { Big($0) }
      let elements = await form.collect(channel.receiver())
      #expect(elements == (0..<count).map { Big($0) })
      #expect(await producing.value == count)
    }
  }

  @Test(arguments: Flavour.all, Form.allCases)
  func `C4 eight producers, the exact count of each in order, then nothing more`(flavour: Flavour, form: Form) async {
    let each = Scale.count(10_000)
    let channel = flavour.channel(of: Int.self)
    let producers = produce(8, each, to: channel.sender, form)
    let next = Collected<Int>()
    let total = Envelope([Int](repeating: 0, count: 8))
    let count = await form.forEach(channel.receiver()) { element in
      var counts = total.take()
      let (producer, number) = element.quotientAndRemainder(dividingBy: each)
      if counts[producer] != number { next.append(element) }
      counts[producer] += 1
      total.put(counts)
    }.value
    #expect(count == 8 * each)
    #expect(next.all == [], "out of order")
    #expect(total.take() == [Int](repeating: each, count: 8))
    for producer in producers { #expect(await producer.value == each) }
  }

  private func produce(_ producers: Int, _ each: Int, to sender: AnySender<Int>, _ form: Form) -> [Running<Int>] {
    (0..<producers).map { producer in form.produce(each, to: sender) { producer * each + $0 } }
  }

  @Test(arguments: Flavour.all)
  func `C5 a long stream loses nothing`(flavour: Flavour) async {
    let count = Scale.count(flavour == .unbounded ? 10_000_000 : 200_000)
    let channel = flavour.channel(of: Int.self)
    let producing = Form.blocking.produce(count, to: channel.sender) { $0 }
    let lost = await onThread(channel.receiver()) { receiver in
      var receiver = receiver
      var expected = 0
      while let element = receiver.receive() {
        if element != expected { return element }
        expected += 1
      }
      return expected
    }.value
    #expect(lost == count)
    #expect(await producing.value == count)
  }

  @Test(arguments: Flavour.all, Form.waiting)
  func `C6 a send wakes the receiver that waits`(flavour: Flavour, form: Form) async {
    let channel = flavour.channel(of: Int.self)
    let sender = channel.sender
    let receiving = Task { [receiver = Envelope(channel.receiver())] in
      var receiver = receiver.take()
      var elements: [Int] = []
      for _ in 0..<20 { if let element = await form.next(&receiver) { elements.append(element) } }
      return elements
    }
    for i in 0..<20 {
      await until { sender.isReceiverWaiting }
      #expect(sender.trySend(i) == .sent)
    }
    #expect(await receiving.value == Array(0..<20))
  }

  @Test(arguments: Flavour.all, [true, false])
  func `C7 request and reply between threads never deadlock`(flavour: Flavour, serverFirst: Bool) async {
    let rounds = Scale.count(2_000)
    let requests = flavour.channel(of: Int.self)
    let replies = flavour.channel(of: Int.self)
    let (toServer, toClient) = (requests.sender, replies.sender)
    let ends = (Envelope(requests.receiver()), Envelope(replies.receiver()))
    let serve: @Sendable () -> TestThread<Int> = {
      onThread(toClient) { toClient in
        var receiver = ends.0.take()
        var served = 0
        while served < rounds, let request = receiver.receive() {
          _ = toClient.sendBlocking(request + 1)
          served += 1
        }
        return served
      }
    }
    let ask: @Sendable () -> TestThread<Int> = {
      onThread(toServer) { toServer in
        var receiver = ends.1.take()
        var value = 0
        for _ in 0..<rounds {
          _ = toServer.sendBlocking(value)
          value = receiver.receive() ?? -1
        }
        return value
      }
    }
    let first = serverFirst ? serve() : ask()
    let second = serverFirst ? ask() : serve()
    #expect(await first.value == rounds)
    #expect(await second.value == rounds)
  }

  @Test(arguments: [Flavour.unbounded, .bounded(10_000)], Form.allCases)
  func `C8 ten thousand queued before any receive`(flavour: Flavour, form: Form) async {
    let ledger = Ledger(20_000)
    for isDrained in [true, false] {
      let before = ledger.madeCount
      let channel = flavour.channel(of: Ticket.self)
      var sender = Optional(channel.sender)
      let receiver = channel.receiver()
      for i in 0..<10_000 { _ = sender?.trySend(Ticket(before + i, ledger)) }
      #expect(sender?.count == 10_000)
      sender = nil
      // A queue torn down by recursion would overflow here, if not before.
      if isDrained {
        let count = await form.forEach(receiver) { _ in }.value
        #expect(count == 10_000)
      }
    }
    #expect(ledger.isBalanced)
  }
}
