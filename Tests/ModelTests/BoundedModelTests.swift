import Testing
import TroupeChannels
import TroupeModel

extension ModelTests {
  /// The ring, permits, and the line of those who wait for room.
  @Suite struct Bounded {
    /// What a producer does.
    enum Way: String {
      /// Waits for room.
      case waits
      /// Sends if there is room at once.
      case tries
      /// Waits for room for a limited time.
      case waitsAWhile
      /// Takes a permit, and sends with it.
      case reserves
      /// Takes a permit, and gives it back.
      case changesItsMind
      /// Takes two permits, and sends with one of them.
      case reservesTwo
    }
    /// How the receiver ends.
    enum Ending: String, CaseIterable {
      /// Receives to the end.
      case stays
      /// Receives as many as two, while a sender lives on: no end comes that would wake it.
      case takesTwo
      case goesAtOnce, goesAfterOne, closesAtOnce, closesAfterOne
    }

    private func check(
      capacity: Int, _ ways: [(Way, Int)], _ ending: Ending, fewer: Int = 0,
      location: SourceLocation = #_sourceLocation
    ) {
      let name = ways.map { "\($0.0) x \($0.1)" }.joined(separator: " + ")
      Check.all("capacity \(capacity), \(name), \(ending)", fewer: fewer, location: location) {
        let account = Account()
        let channel = Channel.bounded(capacity, of: Small.self)
        let kept = ending == .takesTwo ? channel.sender : nil
        let consumer = Receiving()
        let producers = ways.map { _ in Sending() }
        var threads: [() -> Void] = ways.indices.map { index in
          let hand = Hand(channel.sender)
          return { produce(ways[index], from: index, hand, account, producers[index]) }
        }
        let receiver = Hand(channel.receiver)
        threads.append { consume(receiver, ending, consumer) }
        return Execution(threads) { withExtendedLifetime(kept) { ModelTests.verify(account, producers, consumer) } }
      }
    }

    @Test(arguments: Ending.allCases)
    func `two that wait for room`(ending: Ending) {
      check(capacity: 1, [(.waits, 2), (.waits, 1)], ending, fewer: 1)
    }
    @Test(arguments: Ending.allCases.filter { $0 != .takesTwo })
    func `two that try`(ending: Ending) {
      check(capacity: 1, [(.tries, 2), (.tries, 1)], ending)
    }
    @Test(arguments: Ending.allCases)
    func `one that waits, one that tries`(ending: Ending) {
      check(capacity: 1, [(.waits, 2), (.tries, 1)], ending, fewer: 1)
    }
    @Test(arguments: Ending.allCases)
    func `one that gives up waiting`(ending: Ending) {
      check(capacity: 1, [(.waits, 2), (.waitsAWhile, 1)], ending, fewer: 1)
    }
    @Test(arguments: Ending.allCases)
    func `a permit that is used beside one that waits`(ending: Ending) {
      check(capacity: 1, [(.reserves, 1), (.waits, 1)], ending)
    }
    @Test(arguments: Ending.allCases)
    func `a permit that is given back beside one that waits`(ending: Ending) {
      check(capacity: 1, [(.changesItsMind, 1), (.waits, 2)], ending, fewer: 1)
    }
    @Test(arguments: Ending.allCases)
    func `two permits, of which one is given back`(ending: Ending) {
      check(capacity: 2, [(.reservesTwo, 1), (.waits, 2)], ending, fewer: 1)
    }
    @Test func `the count stays within the capacity`() {
      Check.all("capacity 1, count") {
        let account = Account()
        let channel = Channel.bounded(1, of: Small.self)
        let (producer, consumer) = (Sending(), Receiving())
        let looks = Receiving()
        let sender = Hand(channel.sender)
        let looking = channel.sender
        let receiver = Hand(channel.receiver)
        return Execution([
          { produce((.tries, 3), from: 0, sender, account, producer) },
          { for _ in 0..<2 { looks.received.append(looking.count) } },
          { take(2, receiver, consumer) },
        ]) {
          // It was kept, so that no send is refused.
          _ = receiver.take()
          if looks.received.contains(where: { !(0...1).contains($0) }) { return "counts \(looks.received)" }
          return ModelTests.verify(account, [producer], consumer)
        }
      }
    }
    @Test func `the ring goes round`() {
      check(capacity: 2, [(.waits, 3), (.waits, 2)], .stays, fewer: 1)
    }
  }
}

private func produce(
  _ way: (ModelTests.Bounded.Way, Int), from index: Int, _ hand: Hand<BoundedSender<Small>>, _ account: Account,
  _ log: Sending
) {
  let sender = hand.take()
  for id in (index * 4)..<(index * 4 + way.1) {
    let goesOn =
      switch way.0 {
      case .waits: log.note(id, sender.send(Small(id, account)))
      case .tries: log.note(id, sender.trySend(Small(id, account)))
      case .waitsAWhile: log.note(id, sender.send(Small(id, account), timeout: .nanoseconds(100)))
      case .reserves: reserve(sender, id, account, log, uses: true)
      case .changesItsMind: reserve(sender, id, account, log, uses: false)
      case .reservesTwo: reserveTwo(sender, id, account, log)
      }
    if !goesOn { break }
  }
  _ = consume sender
}

private func reserve(
  _ sender: BoundedSender<Small>, _ id: Int, _ account: Account, _ log: Sending, uses: Bool
) -> Bool {
  do {
    let permit = try sender.reserve()
    if uses { return log.note(id, permit.send(Small(id, account))) }
    _ = consume permit
    return true
  } catch {
    return false
  }
}

private func reserveTwo(_ sender: BoundedSender<Small>, _ id: Int, _ account: Account, _ log: Sending) -> Bool {
  do {
    var permits = try sender.reserve(2)
    guard let permit = permits.next() else { return false }
    return log.note(id, permit.send(Small(id, account)))
  } catch {
    return false
  }
}

private func consume(_ hand: Hand<Receiver<Small>>, _ ending: ModelTests.Bounded.Ending, _ log: Receiving) {
  var receiver = hand.take()
  let quota =
    switch ending {
    case .stays: Int.max
    case .takesTwo: 2
    case .goesAtOnce, .closesAtOnce: 0
    case .goesAfterOne, .closesAfterOne: 1
    }
  while log.received.count < quota {
    guard let element = receiver.receive() else {
      log.sawEnd = true
      break
    }
    log.add(element.id)
  }
  if ending == .closesAtOnce || ending == .closesAfterOne {
    receiver.close()
    while let element = receiver.receive() { log.add(element.id) }
    log.sawEnd = true
  }
  if log.sawEnd, receiver.receive() != nil { log.sawMore = true }
}

/// What is there, looking so many times.
private func take(_ count: Int, _ hand: Hand<Receiver<Small>>, _ log: Receiving) {
  var receiver = hand.take()
  for _ in 0..<count { if case .received(let element) = receiver.tryReceive() { log.add(element.id) } }
  hand.put(receiver)
}
