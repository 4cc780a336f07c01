import Testing
import TroupeChannels
import TroupeModel

extension ModelTests {
  /// Selections. One that loses must have had no effect.
  @Suite struct Selecting {
    enum Kind: String, CaseIterable {
      case unbounded, bounded, rendezvous
      func channel() -> (Hand<Receiver<Small>>, (Int, Account, Sending, Bool) -> Void) {
        switch self {
        case .unbounded:
          let channel = Channel.unbounded(of: Small.self)
          let sender = Hand(channel.sender)
          return (
            Hand(channel.receiver), { id, account, log, _ in _ = log.note(id, sender.take().send(Small(id, account))) }
          )
        case .bounded, .rendezvous:
          let channel = self == .bounded ? Channel.bounded(1, of: Small.self) : Channel.rendezvous(of: Small.self)
          let sender = Hand(channel.sender)
          return (
            Hand(channel.receiver),
            { id, account, log, waits in
              let sender = sender.take()
              _ =
                waits ? log.note(id, sender.send(Small(id, account))) : log.note(id, sender.trySend(Small(id, account)))
            }
          )
        }
      }
    }

    /// Receives from both until both are closed.
    private func receiveAll(_ first: Hand<Receiver<Small>>, _ second: Hand<Receiver<Small>>, _ log: [Receiving]) {
      var first = Optional(first.take())
      var second = Optional(second.take())
      while !log[0].sawEnd || !log[1].sawEnd {
        let event: (Int, Int?) = Channel.select { select in
          if !log[0].sawEnd { select.receive(&first!) { (0, id($0)) } }
          if !log[1].sawEnd { select.receive(&second!) { (1, id($0)) } }
        }
        if let id = event.1 { log[event.0].add(id) } else { log[event.0].sawEnd = true }
      }
      first = nil
      second = nil
    }

    @Test(arguments: Kind.allCases, Kind.allCases)
    func `a selection receives from two channels`(first: Kind, second: Kind) {
      Check.all("select, receives from \(first) and \(second)", fewer: 1) {
        let account = Account()
        let (one, sendOne) = first.channel()
        let (two, sendTwo) = second.channel()
        let sending = [Sending(), Sending()]
        let receiving = [Receiving(), Receiving()]
        return Execution([
          { sendOne(0, account, sending[0], true) },
          { sendTwo(4, account, sending[1], false) },
          { receiveAll(one, two, receiving) },
        ]) {
          ModelTests.verify(account, [sending[0]], receiving[0])
            ?? ModelTests.verify(account, [sending[1]], receiving[1])
            ?? (sending[0].sent == receiving[0].received && sending[1].sent == receiving[1].received
              ? nil : "sent \(sending.map(\.sent)), received \(receiving.map(\.received))")
        }
      }
    }

    @Test(arguments: Kind.allCases)
    func `a selection that gives up has taken nothing`(kind: Kind) {
      Check.all("select, timeout, \(kind)") {
        let account = Account()
        let (receiver, send) = kind.channel()
        let sending = Sending()
        let receiving = Receiving()
        return Execution([
          { send(0, account, sending, false) },
          {
            var receiver = receiver.take()
            let found: Int? = Channel.select { select in
              select.receive(&receiver) { id($0) }
              select.otherwise(after: .nanoseconds(100)) { nil }
            }
            if let found { receiving.add(found) }
            while let element = receiver.receive() { receiving.add(element.id) }
            receiving.sawEnd = true
          },
        ]) { ModelTests.verify(account, [sending], receiving) }
      }
    }

    /// Sends one element to whichever channel takes it first, then is gone.
    private func sendOne(_ senders: [Hand<BoundedSender<Small>>], _ account: Account, _ log: [Sending]) {
      var pending: Small? = Small(0, account)
      var other: Small? = Small(1, account)
      let (first, second) = (senders[0].take(), senders[1].take())
      let event: (Int, Bool) = Channel.select { select in
        select.send(&pending, to: first) { (0, $0) }
        select.send(&other, to: second) { (1, $0) }
      }
      if event.1 { log[event.0].sent.append(event.0) }
      // The other element is still here.
      if let pending = pending.take() { log[0].returned.append(pending.id) }
      if let other = other.take() { log[1].returned.append(other.id) }
    }

    @Test(arguments: [(0, 0), (0, 1), (1, 1)])
    func `a selection sends to one of two channels`(capacities: (Int, Int)) {
      Check.all("select, sends to \(capacities)", fewer: 1) {
        let account = Account()
        let channels = [capacities.0, capacities.1].map { capacity in
          let channel = Channel.bounded(capacity, of: Small.self)
          let (sender, other) = (Hand(channel.sender), Hand(channel.sender))
          return (sender, other, Hand(channel.receiver))
        }
        let filling = [Sending(), Sending()]
        // The bounded ones are full, and somebody else waits in line, too.
        for (place, channel) in channels.enumerated() {
          let sender = channel.1.take()
          if [capacities.0, capacities.1][place] == 1 {
            _ = filling[place].note(8 + place, sender.trySend(Small(8 + place, account)))
          }
        }
        let selecting = [Sending(), Sending()]
        let receiving = [Receiving(), Receiving()]
        func receive(_ place: Int) -> () -> Void {
          {
            var receiver = channels[place].2.take()
            while let element = receiver.receive() { receiving[place].add(element.id) }
            receiving[place].sawEnd = true
          }
        }
        return Execution([
          { sendOne(channels.map(\.0), account, selecting) }, receive(0), receive(1),
        ]) {
          let sent = selecting.flatMap(\.sent)
          if sent.count != 1 { return "sent \(sent)" }
          return ModelTests.verify(account, [filling[0], selecting[0]], receiving[0])
            ?? ModelTests.verify(account, [filling[1], selecting[1]], receiving[1])
        }
      }
    }

    @Test func `a place in line that a selection gives up goes to the next`() {
      Check.all("select, gives up its place in line") {
        let account = Account()
        let channel = Channel.bounded(1, of: Small.self)
        let (own, next) = (Hand(channel.sender), Hand(channel.sender))
        let receiver = Hand(channel.receiver)
        let (filling, selecting, waiting) = (Sending(), Sending(), Sending())
        let receiving = Receiving()
        let first = Hand(channel.sender)
        _ = filling.note(8, first.take().trySend(Small(8, account)))
        return Execution([
          {
            var pending: Small? = Small(0, account)
            let sender = own.take()
            let isSent: Bool = Channel.select { select in
              select.send(&pending, to: sender) { $0 }
              select.otherwise(after: .nanoseconds(100)) { false }
            }
            if isSent { selecting.sent.append(0) }
            if let pending = pending.take() { selecting.returned.append(pending.id) }
          },
          { _ = waiting.note(4, next.take().send(Small(4, account))) },
          {
            var receiver = receiver.take()
            while let element = receiver.receive() { receiving.add(element.id) }
            receiving.sawEnd = true
          },
        ]) {
          if waiting.sent != [4] { return "the one behind was not served" }
          return ModelTests.verify(account, [filling, selecting, waiting], receiving)
        }
      }
    }

    /// Whoever gives an element to a selection that completes another operation would be told "sent" for nothing.
    @Test func `one selection takes from one rendezvous of two`() {
      Check.all("select, one element of two rendezvous", fewer: 1) {
        let account = Account()
        let (one, sendOne) = Kind.rendezvous.channel()
        let (two, sendTwo) = Kind.rendezvous.channel()
        let sending = [Sending(), Sending()]
        let receiving = Receiving()
        return Execution([
          { sendOne(0, account, sending[0], true) },
          { sendTwo(4, account, sending[1], true) },
          {
            var first = Optional(one.take())
            var second = Optional(two.take())
            let found: Int? = Channel.select { select in
              select.receive(&first!) { id($0) }
              select.receive(&second!) { id($0) }
            }
            if let found { receiving.add(found) }
            first = nil
            second = nil
          },
        ]) {
          let sent = sending.flatMap(\.sent)
          return ModelTests.verify(account, sending, receiving)
            ?? (sent == receiving.received ? nil : "sent \(sent), received \(receiving.received)")
        }
      }
    }

    @Test func `two selections meet at a rendezvous`() {
      Check.all("select, both ends of a rendezvous") {
        let account = Account()
        let channel = Channel.rendezvous(of: Small.self)
        let (sender, receiver) = (Hand(channel.sender), Hand(channel.receiver))
        let (sending, receiving) = (Sending(), Receiving())
        return Execution([
          {
            var pending: Small? = Small(0, account)
            var nothing = Channel.never(of: Int.self)
            let sender = sender.take()
            let isSent: Bool = Channel.select { select in
              select.receive(&nothing) { _ in false }
              select.send(&pending, to: sender) { $0 }
            }
            if isSent { sending.sent.append(0) }
          },
          {
            var receiver = receiver.take()
            var nothing = Channel.never(of: Int.self)
            let found: Int? = Channel.select { select in
              select.receive(&receiver) { id($0) }
              select.receive(&nothing) { _ in nil }
            }
            if let found { receiving.add(found) }
          },
        ]) {
          ModelTests.verify(account, [sending], receiving)
            ?? (receiving.received == [0] && sending.sent == [0] ? nil : "they have not met")
        }
      }
    }
  }
}

private func id(_ element: consuming Small?) -> Int? {
  if let element { return element.id }
  return nil
}
