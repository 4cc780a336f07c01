import Synchronization
import TestSupport
import Testing
import TroupeChannels

@Suite(.spins) struct SelectTests {
  // MARK: Which is chosen

  @Test(arguments: Flavour.all, Form.waiting)
  func `C63 the one channel of n that has an element is chosen`(flavour: Flavour, form: Form) async {
    for count in 1...5 {
      for place in 0..<count {
        let sides = Sides(Array(repeating: flavour, count: count))
        let sending = form.send([place], to: sides[place].sender!)
        if flavour == .rendezvous { await until { sides[place].sender!.waitingSenders == 1 } }
        let event = await form.select(sides) { $0.receiveAny(&$1) }
        #expect(event == .received(place, place))
        #expect(await sending.value == [.sent])
      }
    }
  }

  @Test(arguments: [Flavour.bounded(1), .bounded(3)], Form.waiting)
  func `C63 the one channel of n that has room is chosen`(flavour: Flavour, form: Form) async {
    for count in 1...4 {
      for place in 0..<count {
        let sides = Sides(Array(repeating: flavour, count: count))
        for other in sides.places {
          sides[other].pending = other
          if other != place { sides.fill(other) }
        }
        let event = await form.select(sides) { $0.sendAny(&$1) }
        #expect(event == .sent(place, true))
        #expect(sides.tryReceive(place) == .received(place))
        for other in sides.places where other != place { #expect(sides[other].pending == other) }
        #expect(sides[place].pending == nil)
        #expect(sides.places.allSatisfy { sides[$0].sender!.waitingSenders == 0 })
      }
    }
  }

  @Test(arguments: Form.waiting)
  func `C63 the one rendezvous of n whose receiver waits is chosen`(form: Form) async {
    for place in 0..<3 {
      let sides = Sides([.rendezvous, .rendezvous, .rendezvous])
      for other in sides.places { sides[other].pending = other }
      let receiving = inTask(sides[place].receiver.take()!) { receiver in
        var receiver = receiver
        return await receiver.receive()
      }
      await until { sides[place].sender!.isReceiverWaiting }
      let event = await form.select(sides) { $0.sendAny(&$1) }
      #expect(event == .sent(place, true))
      #expect(await receiving.value == place)
      for other in sides.places where other != place { #expect(sides[other].pending == other) }
    }
  }

  @Test(arguments: Form.waiting)
  func `C63 receives and sends of different elements in one selection`(form: Form) async {
    let texts = Channel.unbounded(of: String.self)
    let numbers = Channel.bounded(1, of: Int.self)
    let (text, number) = (texts.sender, numbers.sender)
    _ = text.send("a")
    _ = number.trySend(1)
    let ends = Envelope(texts.receiver)
    let body = { @Sendable (select: inout Selection<String>, receiver: inout Receiver<String>, pending: inout Int?) in
      select.send(&pending, to: number) { "sent \($0)" }
      select.receive(&receiver) { $0 ?? "closed" }
    }
    let chosen: String?
    if form == .blocking {
      chosen =
        await TestThread {
          var receiver = ends.take()
          var pending = Optional(2)
          return Channel.select { body(&$0, &receiver, &pending) }
        }.value
    } else {
      var receiver = ends.take()
      var pending = Optional(2)
      chosen = await Channel.select { body(&$0, &receiver, &pending) }
      #expect(pending == 2)
    }
    #expect(chosen == "a")
    #expect(number.count == 1)
  }

  // MARK: The end

  @Test(arguments: Flavour.all, Form.waiting)
  func `C64 a closed channel is ready, after its elements`(flavour: Flavour, form: Form) async {
    let sides = Sides([flavour, flavour])
    var expected: [Event] = []
    for i in 0..<flavour.room {
      #expect(sides[1].sender!.trySend(i) == .sent)
      expected.append(.received(1, i))
    }
    sides[1].sender = nil
    expected += [.received(1, nil), .received(1, nil)]
    for each in expected {
      let event = await form.select(sides) { $0.receiveAny(&$1) }
      #expect(event == each)
    }
  }

  @Test(arguments: Flavour.waiting, Form.waiting)
  func `C64 a send to a closed channel is ready, and the element stays`(flavour: Flavour, form: Form) async {
    let sides = Sides([flavour, flavour])
    sides.fill(0)
    sides[0].pending = 1
    sides[1].pending = 2
    sides[1].receiver = nil
    let event = await form.select(sides) { $0.sendAny(&$1) }
    #expect(event == .sent(1, false))
    #expect(sides[0].pending == 1)
    #expect(sides[1].pending == 2)
  }

  // MARK: Not waiting

  @Test(arguments: Flavour.all, Form.waiting)
  func `C65 a default runs only if nothing is ready`(flavour: Flavour, form: Form) async {
    let sides = Sides([flavour, flavour])
    let operations = { @Sendable (sides: Sides, select: inout Selection<Event>) in
      select.otherwise { .otherwise }
      sides.receiveAny(&select)
    }
    #expect(await form.select(sides, operations) == .otherwise)
    for round in 0..<20 {
      let sending = form.send([round], to: sides[1].sender!)
      if flavour == .rendezvous {
        await until { sides[1].sender!.waitingSenders == 1 }
      } else {
        _ = await sending.value
      }
      #expect(await form.select(sides, operations) == .received(1, round))
      _ = await sending.value
    }
    #expect(await form.select(sides, operations) == .otherwise)
    sides[0].sender = nil
    #expect(await form.select(sides, operations) == .received(0, nil))
  }

  @Test(arguments: Flavour.waiting, Form.waiting)
  func `C65 a default runs if no send has room`(flavour: Flavour, form: Form) async {
    let sides = Sides([flavour, flavour])
    for place in sides.places {
      sides.fill(place)
      sides[place].pending = place
    }
    let event = await form.select(sides) { sides, select in
      sides.sendAny(&select)
      select.otherwise { .otherwise }
    }
    #expect(event == .otherwise)
    #expect(sides.places.allSatisfy { sides[$0].pending == $0 && sides[$0].sender!.waitingSenders == 0 })
  }

  @Test(arguments: Flavour.all, Form.waiting)
  func `C65 a timeout runs after its time, and only if nothing was ready`(flavour: Flavour, form: Form) async {
    let sides = Sides([flavour, flavour])
    let timeout = Duration.milliseconds(3)
    let start = ContinuousClock.now
    let event = await form.select(sides) { sides, select in
      sides.receiveAny(&select)
      select.otherwise(after: timeout) { .otherwise }
    }
    #expect(ContinuousClock.now - start >= timeout)
    #expect(event == .otherwise)
    // The receivers do not wait any more.
    #expect(sides.places.allSatisfy { !sides[$0].sender!.isReceiverWaiting })
    let sending = form.send([7], to: sides[0].sender!)
    let later = await form.select(sides) { sides, select in
      sides.receiveAny(&select)
      select.otherwise(until: .now + .seconds(3_600)) { .otherwise }
    }
    #expect(later == .received(0, 7))
    #expect(await sending.value == [.sent])
  }

  @Test func `C65 a timeout by another clock`() async {
    let clock = ManualClock()
    let sides = Sides([.unbounded, .rendezvous])
    let selecting = Form.asynchronous.selecting(sides) { sides, select in
      sides.receiveAny(&select)
      select.otherwise(after: .seconds(5), clock: clock) { .otherwise }
    }
    await until { clock.sleeperCount == 1 }
    clock.advance(by: .seconds(4))
    #expect(clock.sleeperCount == 1)
    clock.advance(by: .seconds(1))
    #expect(await selecting.value == .otherwise)
    // The sleep ends with a selection that ends otherwise.
    let other = Form.asynchronous.selecting(sides) { sides, select in
      sides.receiveAny(&select)
      select.otherwise(until: clock.now.advanced(by: .seconds(5)), clock: clock) { .otherwise }
    }
    await until { clock.sleeperCount == 1 }
    #expect(sides[0].sender!.trySend(1) == .sent)
    #expect(await other.value == .received(0, 1))
    #expect(clock.sleeperCount == 0)
  }

  // MARK: Waiting

  @Test(arguments: Flavour.all, Form.waiting)
  func `C66 a selection that waits is woken by a send and by a drop`(flavour: Flavour, form: Form) async {
    for place in 0..<3 {
      let sides = Sides([flavour, flavour, flavour])
      let selecting = form.selecting(sides) { $0.receiveAny(&$1) }
      await until { sides[2].sender!.isReceiverWaiting }
      #expect(sides[place].sender!.trySend(5) == .sent)
      #expect(await selecting.value == .received(place, 5))
      #expect(sides.places.allSatisfy { !sides[$0].sender!.isReceiverWaiting })
      let other = form.selecting(sides) { $0.receiveAny(&$1) }
      await until { sides[2].sender!.isReceiverWaiting }
      sides[place].sender = nil
      #expect(await other.value == .received(place, nil))
    }
  }

  @Test(arguments: Flavour.waiting, Form.waiting)
  func `C66 a selection that waits to send is woken by a receive and by a drop`(flavour: Flavour, form: Form) async {
    for place in 0..<3 {
      let sides = Sides([flavour, flavour, flavour])
      func prepare() {
        for each in sides.places {
          sides.fill(each)
          sides[each].pending = each
        }
      }
      prepare()
      let selecting = form.selecting(sides) { $0.sendAny(&$1) }
      await until { sides[2].sender!.waitingSenders == 1 }
      let expected = flavour == .rendezvous ? place : -1
      #expect(sides.tryReceive(place) == .received(expected))
      #expect(await selecting.value == .sent(place, true))
      #expect(sides.places.allSatisfy { $0 == place || sides[$0].pending == $0 })
      #expect(sides.places.allSatisfy { sides[$0].sender!.waitingSenders == 0 })
      prepare()
      let other = form.selecting(sides) { $0.sendAny(&$1) }
      await until { sides[2].sender!.waitingSenders == 1 }
      sides[place].receiver = nil
      #expect(await other.value == .sent(place, false))
      #expect(sides.places.allSatisfy { sides[$0].pending == $0 })
    }
  }

  @Test func `C66 a cancelled selection has taken and sent nothing`() async {
    let sides = Sides([.unbounded, .bounded(1), .rendezvous, .bounded(1), .rendezvous])
    sides.fill(3)
    sides[3].pending = 3
    sides[4].pending = 4
    let selecting = Form.asynchronous.selecting(sides) { sides, select in
      for place in 0..<3 { select.receive(&sides[place].receiver!) { .received(place, $0) } }
      for place in 3..<5 { select.send(&sides[place].pending, to: sides.bounded(place)) { .sent(place, $0) } }
    }
    await until { sides[4].sender!.waitingSenders == 1 }
    selecting.cancel()
    #expect(await selecting.value == nil)
    #expect(sides[3].pending == 3)
    #expect(sides[4].pending == 4)
    #expect(sides[3].sender!.waitingSenders == 0)
    #expect(sides[4].sender!.waitingSenders == 0)
    #expect(!sides[2].sender!.isReceiverWaiting)
    #expect(sides[2].sender!.trySend(1) == .full(1))
    // What is ready is still completed.
    #expect(sides[0].sender!.trySend(8) == .sent)
    let again = Task { [sides] in
      withUnsafeCurrentTask { $0?.cancel() }
      return await Form.asynchronous.select(sides) { sides, select in
        select.receive(&sides[0].receiver!) { .received(0, $0) }
      }
    }
    #expect(await again.value == .received(0, 8))
  }

  @Test func `C66 the same channel twice, and both ends of one channel`() async {
    let sides = Sides([.rendezvous, .unbounded])
    sides[0].pending = 1
    let selecting = Form.asynchronous.selecting(sides) { sides, select in
      select.send(&sides[0].pending, to: sides.bounded(0)) { .sent(0, $0) }
      for _ in 0..<2 { select.receive(&sides[0].receiver!) { .received(0, $0) } }
      for _ in 0..<2 { select.receive(&sides[1].receiver!) { .received(1, $0) } }
    }
    await until { sides[1].sender!.isReceiverWaiting }
    // The selection does not meet itself, but it meets another.
    let other = BoundedSelector(sides.bounded(0))
    #expect(await other.send(5))
    #expect(await selecting.value == .received(0, 5))
    #expect(sides[0].pending == 1)
  }

  // MARK: Which, if several are ready

  @Test(arguments: Flavour.all, [2, 3, 5])
  func `C67 each of n that are ready is chosen at least half as often as the others`(
    flavour: Flavour, count: Int
  ) async {
    let rounds = Scale.count(2_000)
    let counts = await TestThread { () -> [Int] in
      let sides = Sides(Array(repeating: flavour, count: count))
      // Each has an element or an end; the last one is closed.
      sides[count - 1].sender = nil
      var counts = Array(repeating: 0, count: count)
      let offering = (0..<count - 1).map { place in
        let sender = sides[place].sender!
        sides[place].sender = nil
        return onThread(sender) { sender in
          while sender.sendBlocking(1).isSent {}
        }
      }
      _ = offering
      for _ in 0..<rounds {
        for place in 0..<count - 1 { spinUntil { sides.isSomethingThere(place) } }
        let event: Event = Channel.select { sides.receiveAny(&$0) }
        if case .received(let place, _) = event { counts[place] += 1 }
      }
      for place in sides.places { sides[place].receiver = nil }
      return counts
    }.value
    #expect(counts.reduce(0, +) == rounds)
    for each in counts { #expect(each >= rounds / (2 * count), "\(counts)") }
  }

  @Test(arguments: Form.waiting)
  func `C67 sends are chosen as fairly`(form: Form) async {
    let sides = Sides([.bounded(1), .bounded(1), .bounded(1)])
    var counts = [0, 0, 0]
    let rounds = 600
    for _ in 0..<rounds {
      for place in sides.places { sides[place].pending = place }
      guard case .sent(let place, true) = await form.select(sides, { $0.sendAny(&$1) }) else { continue }
      counts[place] += 1
      #expect(sides.tryReceive(place) == .received(place))
    }
    #expect(counts.reduce(0, +) == rounds)
    for each in counts { #expect(each >= rounds / 6, "\(counts)") }
  }

  @Test(arguments: Form.waiting, 0..<3)
  func `C67 a receive, a send and a timer are chosen as fairly, whichever is named first`(
    form: Form, first: Int
  ) async {
    let sides = Sides([.unbounded, .bounded(1)])
    var counts = [0, 0, 0]
    let rounds = 600
    for _ in 0..<rounds {
      #expect(sides[0].sender!.trySend(7) == .sent)
      sides[1].pending = 1
      let event = await form.select(sides) { sides, select in
        var timer = Channel.after(.zero)
        for place in 0..<3 {
          switch (first + place) % 3 {
          case 0: select.receive(&sides[0].receiver!) { .received(0, $0) }
          case 1: select.send(&sides[1].pending, to: sides.bounded(1)) { .sent(1, $0) }
          default: select.receive(&timer) { _ in .otherwise }
          }
        }
      }
      switch event {
      case .received(0, 7): counts[0] += 1
      case .sent(1, true):
        counts[1] += 1
        #expect(sides.tryReceive(1) == .received(1))
      default: counts[2] += 1
      }
    }
    for each in counts { #expect(each >= rounds / 6, "\(counts)") }
  }

  @Test func `C67 as fair after larger and smaller selections that named the same receiver first`() async {
    let sides = Sides(Array(repeating: .unbounded, count: 300))
    for place in sides.places {
      for element in 0..<20 { #expect(sides[place].sender!.trySend(element) == .sent) }
      sides[place].sender = nil
    }
    let each = 30
    for size in [2, 6, 3, 64, 65, 6, 254, 255, 256, 5, 300, 6] {
      var counts = Array(repeating: 0, count: size)
      for _ in 0..<size * each {
        let place: Int? = await Channel.select { select in
          for place in 0..<size { select.receive(&sides[place].receiver!) { _ in place } }
        }
        counts[place!] += 1
      }
      for count in counts { #expect(count >= each / 10 && count <= each * 3, "\(size): \(counts)") }
    }
  }

  @Test(arguments: Flavour.all, Form.waiting)
  func `C67 in order, the first that is ready is always chosen`(flavour: Flavour, form: Form) async {
    let sides = Sides([flavour, flavour, flavour])
    sides[1].sender = nil
    sides[2].sender = nil
    for _ in 0..<30 {
      let event = await form.select(sides, inOrder: true) { $0.receiveAny(&$1) }
      #expect(event == .received(1, nil))
    }
  }

  @Test(arguments: Form.waiting)
  func `C67 in order, also if it was not the first to be ready`(form: Form) async {
    // Room appears in the second channel while the selection waits, but before it goes on the first has an element.
    let sides = Sides([.unbounded, .bounded(1)])
    sides.fill(1)
    sides[1].pending = 3
    let selecting = form.selecting(sides, inOrder: true) { sides, select in
      select.receive(&sides[0].receiver!) { .received(0, $0) }
      select.send(&sides[1].pending, to: sides.bounded(1)) { .sent(1, $0) }
    }
    await until { sides[1].sender!.waitingSenders == 1 }
    let core = sides[0].sender!
    #expect(core.trySend(9) == .sent)
    #expect(sides.tryReceive(1) == .received(-1))
    let event = await selecting.value
    if event == .received(0, 9) {
      // Room that it was given has gone back.
      #expect(sides[1].pending == 3)
      #expect(sides[1].sender!.trySend(4) == .sent)
    } else {
      #expect(event == .sent(1, true))
    }
    #expect(sides[1].sender!.waitingSenders == 0)
  }
}

/// Sends to a rendezvous channel by a selection of one operation.
private struct BoundedSelector {
  let sender: BoundedSender<Int>
  init(_ sender: BoundedSender<Int>) { self.sender = sender }
  func send(_ value: Int) async -> Bool {
    var pending = Optional(value)
    let isSent: Bool? = await Channel.select { $0.send(&pending, to: sender) { $0 } }
    return isSent ?? false
  }
}
