import Testing
import TroupeChannels
import TroupeModel

extension ModelTests {
  /// The channel without room.
  @Suite struct Hands {
    enum Way: String, CaseIterable { case waits, tries, waitsAWhile }
    enum Ending: String, CaseIterable { case stays, goesAfterOne, closesAfterOne, givesUp }

    @Test(arguments: Way.allCases, Ending.allCases)
    func `two producers and the receiver`(way: Way, ending: Ending) {
      Check.all("rendezvous, waits x 2 + \(way) x 1, \(ending)", fewer: 1) {
        let account = Account()
        let channel = Channel.rendezvous(of: Small.self)
        let consumer = Receiving()
        let producers = [Sending(), Sending()]
        let first = Hand(channel.sender)
        let second = Hand(channel.sender)
        let receiver = Hand(channel.receiver)
        return Execution([
          { produce(.waits, 0..<2, first, account, producers[0]) },
          { produce(way, 4..<5, second, account, producers[1]) },
          { consume(receiver, ending, consumer) },
        ]) {
          let trouble = ModelTests.verify(account, producers, consumer)
          // A send has returned "sent" only if its element was taken.
          let sent = producers.flatMap(\.sent)
          return trouble ?? (sent.count == consumer.received.count ? nil : "sent and not received: \(sent)")
        }
      }
    }
  }
}

private func produce(
  _ way: ModelTests.Hands.Way, _ ids: Range<Int>, _ hand: Hand<BoundedSender<Small>>, _ account: Account,
  _ log: Sending
) {
  let sender = hand.take()
  for id in ids {
    let goesOn =
      switch way {
      case .waits: log.note(id, sender.send(Small(id, account)))
      case .tries: log.note(id, sender.trySend(Small(id, account)))
      case .waitsAWhile: log.note(id, sender.send(Small(id, account), timeout: .nanoseconds(100)))
      }
    if !goesOn { break }
  }
  _ = consume sender
}

private func consume(_ hand: Hand<Receiver<Small>>, _ ending: ModelTests.Hands.Ending, _ log: Receiving) {
  var receiver = hand.take()
  if ending == .givesUp {
    if case .received(let element) = receiver.receive(timeout: .nanoseconds(100)) { log.add(element.id) }
  }
  let quota = ending == .goesAfterOne || ending == .closesAfterOne ? 1 : Int.max
  while log.received.count < quota {
    guard let element = receiver.receive() else {
      log.sawEnd = true
      break
    }
    log.add(element.id)
  }
  if ending == .closesAfterOne {
    receiver.close()
    while let element = receiver.receive() { log.add(element.id) }
    log.sawEnd = true
  }
}
