import TestSupport
import Testing
import TroupeChannels

@Suite(.spins) struct CapacityTests {
  @Test(arguments: [Flavour.bounded(1), .bounded(3)], Form.waiting)
  func `C24 a send waits at capacity and continues after one receive`(flavour: Flavour, form: Form) async {
    let channel = flavour.channel(of: Int.self)
    let sender = channel.sender
    var receiver = channel.receiver()
    for i in 0..<flavour.room { #expect(await form.send([i], to: sender).value == [.sent]) }
    for round in 0..<4 {
      let last = flavour.room + round
      let sending = form.send([last], to: sender)
      await until { sender.waitingSenders == 1 }
      #expect(sender.count == flavour.room)
      let element = await form.next(&receiver)
      #expect(element == round)
      #expect(await sending.value == [.sent])
    }
    #expect(receiver.drain() == Array(4..<4 + flavour.room))
  }

  @Test(arguments: Form.waiting)
  func `C25 a rendezvous send returns only after pairing, and the count is always 0`(form: Form) async {
    let channel = Flavour.rendezvous.channel(of: Int.self)
    let sender = channel.sender
    var receiver = channel.receiver()
    let done = Collected<Int>()
    let sending = (0..<3).map { i in
      form == .blocking
        ? Running.thread(
          onThread(sender) {
            _ = $0.sendBlocking(i)
            done.append(i)
          })
        : .task(
          inTask(sender) {
            _ = await $0.send(i)
            done.append(i)
          })
    }
    await until { sender.waitingSenders == 3 }
    #expect(sender.count == 0)
    #expect(receiver.count == 0)
    #expect(done.count == 0)
    for received in 1...3 {
      let element = await form.next(&receiver)
      await until { done.count == received }
      #expect(done.all.last == element)
      #expect(sender.waitingSenders == 3 - received)
      #expect(sender.count == 0)
    }
    for each in sending { await each.value }
  }

  @Test func `C26 the count of an unbounded channel is exact`() {
    exactCounts { $0 }
    exactCounts { Big($0) }
  }

  /// In waves of every length, so that head and tail meet each edge of the inline slots and of blocks.
  private func exactCounts<Element: Sendable>(_ make: (Int) -> Element) {
    for wave in [1, 2, 3, 5, 8, 9, 64, 65, 130] {
      let channel = Channel.unbounded(of: Element.self)
      let sender = channel.sender
      var receiver = channel.receiver
      #expect(receiver.capacity == nil)
      #expect(sender.isEmpty)
      var count = 0
      for round in 0..<6 {
        for i in 0..<wave {
          _ = sender.send(make(i))
          count += 1
          if sender.count != count || receiver.count != count { Issue.record("\(sender.count), not \(count)") }
        }
        // The first rounds leave something, the last ones empty it.
        for _ in 0..<(round < 3 ? wave / 2 : count) {
          _ = receiver.tryReceive()
          count -= 1
          if sender.count != count || receiver.count != count { Issue.record("\(sender.count), not \(count)") }
        }
        #expect(sender.isEmpty == (count == 0))
        #expect(receiver.isEmpty == (count == 0))
      }
    }
  }

  @Test(arguments: Form.waiting)
  func `C26 the count stays exact over waits, which return the queue to its inline slots`(form: Form) async {
    let channel = Flavour.unbounded.channel(of: Big.self)
    let sender = channel.sender
    var receiver = channel.receiver()
    for wave in [1, 2, 3, 4, 5, 1, 1, 6] {
      let nothing = await form.next(&receiver, timeout: .microseconds(1))
      #expect(nothing == .timedOut)
      for i in 1...wave {
        _ = sender.trySend(Big(i))
        #expect(sender.count == i)
      }
      for i in 1...wave {
        let element = await form.next(&receiver)
        #expect(element == Big(i))
        #expect(sender.count == wave - i)
      }
    }
  }

  @Test(arguments: [1, 2, 3, 4, 7, 100])
  func `C26 count, room and capacity of a bounded channel are exact`(capacity: Int) {
    let channel = Channel.bounded(capacity, of: Int.self)
    let sender = channel.sender
    var receiver = channel.receiver
    #expect(sender.capacity == capacity)
    #expect(receiver.capacity == capacity)
    for _ in 0..<3 {
      for used in 0..<capacity {
        #expect(sender.count == used)
        #expect(receiver.count == used)
        #expect(sender.remainingCapacity == capacity - used)
        #expect(sender.isEmpty == (used == 0))
        #expect(!sender.isFull)
        #expect(sender.trySend(used) == .sent)
      }
      #expect(sender.isFull)
      #expect(sender.count == capacity)
      #expect(sender.remainingCapacity == 0)
      for left in (0..<capacity).reversed() {
        _ = receiver.tryReceive()
        #expect(receiver.count == left)
        #expect(sender.remainingCapacity == capacity - left)
      }
      #expect(receiver.isEmpty == true)
    }
  }

  @Test func `C26 a rendezvous channel is empty and full`() {
    let channel = Channel.rendezvous(of: Int.self)
    let sender = channel.sender
    let receiver = channel.receiver
    #expect(sender.isEmpty)
    #expect(sender.isFull)
    #expect(sender.capacity == 0)
    #expect(sender.remainingCapacity == 0)
    #expect(receiver.capacity == 0)
  }

  @Test(arguments: Flavour.waiting, Form.waiting)
  func `C27 waiting senders are served in the order in which they asked`(flavour: Flavour, form: Form) async {
    let channel = flavour.channel(of: Int.self)
    let sender = channel.sender
    var receiver = channel.receiver()
    for i in 0..<flavour.room { #expect(sender.trySend(-i) == .sent) }
    var sending: [Running<[WaitingSendOutcome<Int>]>] = []
    for i in 0..<6 {
      sending.append(form.send([i], to: sender))
      await until { sender.waitingSenders == i + 1 }
      // One that does not wait never overtakes those that do.
      #expect(sender.trySend(100) == .full(100))
    }
    var elements: [Int] = []
    for i in 0..<6 {
      if let element = await form.next(&receiver) { elements.append(element) }
      #expect(await sending[i].value == [.sent])
      #expect(sender.waitingSenders == 5 - i)
    }
    elements += receiver.drain()
    #expect(elements == (0..<flavour.room).map { -$0 } + Array(0..<6))
  }

  @Test func `C28 a negative capacity is a precondition failure`() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Channel.bounded(-1, of: Int.self)
    }
    #expect(text(result).contains("capacity must lie between 0 and"))
  }

  @Test func `C28 capacity 0 is the rendezvous channel`() async {
    let channel = Channel.bounded(0, of: Int.self)
    let sender = channel.sender
    var receiver = channel.receiver
    #expect(sender.description.contains("rendezvous"))
    #expect(sender.trySend(1) == .full(1))
    let sending = Task { await sender.send(2) }
    await until { sender.waitingSenders == 1 }
    #expect(receiver.tryReceive() == .received(2))
    #expect(await sending.value == .sent)
  }
}

/// What a process that had to stop wrote.
func text(_ result: ExitTest.Result?) -> String {
  String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
}
