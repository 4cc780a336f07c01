import Testing
import TroupeChannels
import TroupeModel

extension ModelTests {
  /// The lock-free queue: reservation, hole, block hand-over, idling and return to the inline slots, closing
  /// from either side, tear-down.
  @Suite struct Unbounded {
    /// What the receiver does.
    enum Ending: String, CaseIterable {
      /// Receives until the channel is closed and empty.
      case stays
      /// Goes after so many elements.
      case goesAtOnce, goesAfterOne, goesAfterTwo
      /// Receives as many as are sent, while the senders live on: no end comes that would wake it.
      case counts
      /// Closes after so many, then receives the rest.
      case closesAtOnce, closesAfterOne

      var quota: Int {
        switch self {
        case .stays, .counts: .max
        case .goesAtOnce, .closesAtOnce: 0
        case .goesAfterOne, .closesAfterOne: 1
        case .goesAfterTwo: 2
        }
      }
      var closes: Bool { self == .closesAtOnce || self == .closesAfterOne }
    }

    private func execution<E: Numbered & ~Copyable>(
      of type: E.Type, counts: [Int], ending: Ending, sharesHandle: Bool = false, polls: Bool = false
    ) -> Execution {
      let account = Account()
      let channel = Channel.unbounded(of: E.self)
      let first: Sender<E>? = sharesHandle || ending == .counts ? channel.sender : nil
      let consumer = Receiving()
      let producers = counts.map { _ in Sending() }
      var threads: [() -> Void] = counts.indices.map { index in
        let hand = Hand(sharesHandle ? first! : channel.sender)
        return { produce(counts[index], from: index, hand, account, producers[index]) }
      }
      let receiver = Hand(channel.receiver)
      let quota = ending == .counts ? counts.reduce(0, +) : ending.quota
      threads.append { polls ? poll(receiver, consumer) : consume(receiver, quota, closes: ending.closes, consumer) }
      let kept = ending == .counts ? first : nil
      return Execution(threads) {
        let trouble = withExtendedLifetime(kept) { ModelTests.verify(account, producers, consumer) }
        return trouble ?? (ending == .counts && consumer.received.count != quota ? "not all were received" : nil)
      }
    }

    @Test(arguments: Ending.allCases)
    func `two producers and the receiver, blocks of two slots`(ending: Ending) {
      Check.all("unbounded, 2 + 2, blocks of 2, \(ending)") {
        execution(of: Large.self, counts: [2, 2], ending: ending)
      }
    }

    @Test(arguments: Ending.allCases)
    func `two producers and the receiver, inline slots`(ending: Ending) {
      Check.all("unbounded, 2 + 2, inline, \(ending)") {
        execution(of: Small.self, counts: [2, 2], ending: ending)
      }
    }

    @Test(arguments: [Ending.stays, .counts, .goesAfterTwo])
    func `a drained block is used again`(ending: Ending) {
      Check.all("unbounded, 3 + 2, blocks of 2, \(ending)") {
        execution(of: Large.self, counts: [3, 2], ending: ending)
      }
    }

    @Test func `one producer runs through blocks`() {
      Check.all("unbounded, 4, blocks of 2") { execution(of: Large.self, counts: [4], ending: .stays) }
    }

    @Test func `a producer more, each with one element`() {
      Check.all("unbounded, 1 + 1 + 1, blocks of 2", fewer: 1) {
        execution(of: Large.self, counts: [1, 1, 1], ending: .stays)
      }
    }

    @Test func `producers that share a handle`() {
      Check.all("unbounded, 1 + 1, shared handle") {
        execution(of: Large.self, counts: [1, 1], ending: .stays, sharesHandle: true)
      }
    }

    @Test func `a receiver that never sleeps`() {
      Check.all("unbounded, 2 + 1, tryReceive") {
        execution(of: Large.self, counts: [2, 1], ending: .stays, polls: true)
      }
    }
  }
}

private func produce<E: Numbered & ~Copyable>(
  _ count: Int, from index: Int, _ hand: Hand<Sender<E>>, _ account: Account, _ log: Sending
) {
  let sender = hand.take()
  for id in (index * 4)..<(index * 4 + count) {
    if !log.note(id, sender.send(E(id, account))) { break }
  }
  _ = consume sender
}

private func consume<E: Numbered & ~Copyable>(
  _ hand: Hand<Receiver<E>>, _ quota: Int, closes: Bool, _ log: Receiving
) {
  var receiver = hand.take()
  while log.received.count < quota {
    guard let element = receiver.receive() else {
      log.sawEnd = true
      break
    }
    log.add(element.id)
  }
  if closes {
    receiver.close()
    while let element = receiver.receive() { log.add(element.id) }
    log.sawEnd = true
  }
  if log.sawEnd, receiver.receive() != nil { log.sawMore = true }
}

private func poll<E: Numbered & ~Copyable>(_ hand: Hand<Receiver<E>>, _ log: Receiving) {
  var receiver = hand.take()
  while true {
    switch receiver.tryReceive() {
    case .received(let element): log.add(element.id)
    case .empty: ModelSystem.pause()
    case .closed:
      log.sawEnd = true
      return
    }
  }
}
