import CTroupeShims
import Synchronization
import TestSupport
import Testing

@testable import TroupeChannels

/// A sender that has reserved its slot and lost its processor: the two halves of a push, done by hand.
private struct SlowSend<Element: ~Copyable & Sendable>: @unchecked Sendable {
  private let core: ChannelCore<Element>
  private let index: UInt
  private let wasIdle: Bool

  /// Reserves the next slot, which must not be the last of its segment.
  init(reservingIn core: ChannelCore<Element>) {
    self.core = core
    let isBounded = core.capacity != .max
    let one = isBounded ? TailWord.boundedOne : TailWord.one
    let tail = core.queue.state
    var word = tail.pointee.tail.load(ordering: .acquiring)
    while true {
      let (exchanged, seen) = tail.pointee.tail.compareExchange(
        expected: word, desired: (word &+ one) & ~TailWord.idle, ordering: .acquiringAndReleasing)
      if exchanged { break }
      word = seen
    }
    index = word >> (isBounded ? TailWord.boundedShift : TailWord.shift)
    wasIdle = word & TailWord.idle != 0
  }

  /// Writes the element, and wakes the receiver if it falls to this sender.
  func finish(_ element: consuming Element) {
    if core.capacity != .max {
      core.queue.write(element, at: index)
    } else {
      let capacity = SlotSegment<Element>.inlineCapacity
      let base = core.queue.inlineSegment
      let offset = Int(index) & (SlotSegment<Element>.blockCapacity - 1)
      precondition(offset < capacity - 1)
      ((base + SlotSegment<Element>.elementsOffset(capacity)).assumingMemoryBound(to: Element.self) + offset)
        .initialize(to: element)
      (MessageQueue<Element>.flags(base) + offset).pointee.store(1, ordering: .releasing)
    }
    if wasIdle { core.consumer.signal() }
  }
}

@Suite(.spins) struct HoleTests {
  @Test(arguments: Flavour.buffered, Form.allCases)
  func `C69 a receive that meets a slot not yet written waits for it`(flavour: Flavour, form: Form) async {
    let channel = flavour.channel(of: Int.self)
    let sender = channel.sender
    let slow = SlowSend(reservingIn: sender.testCore)
    let started = Collected<Int>()
    let receiving = receive(channel.receiver(), form, started)
    await until { started.count == 1 }
    // It must not say "empty", nor sleep for good: nobody would wake it, since nobody clears *idle*.
    await dawdle()
    #expect(!sender.isReceiverWaiting)
    #expect(sender.count == 1)
    let writing = onThread(slow) { $0.finish(5) }
    #expect(await receiving.value == 5)
    await writing.value
  }

  @Test(arguments: Flavour.buffered, Form.waiting)
  func `C69 a sleeping receiver is woken by such a sender`(flavour: Flavour, form: Form) async {
    let channel = flavour.channel(of: Int.self)
    let sender = channel.sender
    let receiving = receive(channel.receiver(), form, Collected())
    await until { sender.isReceiverWaiting }
    let slow = SlowSend(reservingIn: sender.testCore)
    slow.finish(6)
    #expect(await receiving.value == 6)
  }

  /// The first answer of the receiver, on a thread of its own also where it does not block: it spins.
  private func receive(_ receiver: consuming Receiver<Int>, _ form: Form, _ started: Collected<Int>) -> Running<Int?> {
    switch form {
    case .blocking:
      .thread(
        onThread(receiver) { receiver in
          var receiver = receiver
          started.append(1)
          return receiver.receive()
        })
    case .asynchronous:
      .task(
        inTask(receiver) { receiver in
          var receiver = receiver
          started.append(1)
          return await receiver.receive()
        })
    case .nonBlocking:
      .thread(
        onThread(receiver) { receiver in
          var receiver = receiver
          started.append(1)
          switch receiver.tryReceive() {
          case .received(let element): return element
          case .empty: return -1
          case .closed: return -2
          }
        })
    }
  }

  /// Gives another thread time to go where it must wait. If it is slower than that, the test is easier to
  /// pass, not wrong.
  private func dawdle() async {
    for _ in 0..<300 {
      troupe_thread_yield()
      await Task.yield()
    }
  }

  @Test(arguments: Flavour.buffered)
  func `C69 draining waits for it too`(flavour: Flavour) async {
    let channel = flavour.channel(of: Int.self)
    let sender = channel.sender
    let slow = SlowSend(reservingIn: sender.testCore)
    let started = Collected<Int>()
    let draining = onThread(channel.receiver()) { receiver in
      var receiver = receiver
      started.append(1)
      return receiver.drain()
    }
    await until { started.count == 1 }
    await dawdle()
    slow.finish(7)
    #expect(await draining.value == [7])
  }

  @Test(arguments: Flavour.buffered)
  func `C69 a timed receive and a cancelled one wait for it`(flavour: Flavour) async {
    let channel = flavour.channel(of: Int.self)
    let sender = channel.sender
    let slow = SlowSend(reservingIn: sender.testCore)
    let receiving = inTask(channel.receiver()) { receiver in
      var receiver = receiver
      withUnsafeCurrentTask { $0?.cancel() }
      return await receiver.receive(timeout: .zero)
    }
    await dawdle()
    slow.finish(8)
    #expect(await receiving.value == .received(8))
  }

  @Test(arguments: Flavour.buffered, [true, false])
  func `C69 a receiver dropped or closed in that moment accounts for the late element`(
    flavour: Flavour, isDropped: Bool
  ) async {
    let ledger = Ledger(1)
    let channel = flavour.channel(of: Token.self)
    let sender = channel.sender
    let slow = SlowSend(reservingIn: sender.testCore)
    let ending = onThread(channel.receiver()) { receiver in
      var receiver = receiver
      if isDropped { return 0 }
      receiver.close()
      var count = 0
      while receiver.receive() != nil { count += 1 }
      return count
    }
    await until { sender.isClosed }
    #expect(sender.count == 1)
    slow.finish(Token(0, ledger))
    #expect(await ending.value == (isDropped ? 0 : 1))
    #expect(ledger.isBalanced)
    #expect(sender.count == 0)
  }
}
