import Testing
import TroupeChannels
import TroupeModel

extension ModelTests {
  /// The channel for one value, whose second end to be done frees the memory.
  @Suite struct Single {
    enum SenderWay: String, CaseIterable { case sends, drops }
    enum ReceiverWay: String, CaseIterable { case receives, tries, waitsAWhile, triesThenReceives, closes, goes }

    @Test(arguments: SenderWay.allCases, ReceiverWay.allCases)
    func `both ends`(sends: SenderWay, receives: ReceiverWay) {
      Check.all("one-shot, \(sends), \(receives)", fewer: -2) {
        let account = Account()
        let channel = Channel.oneShot(of: Small.self)
        let sending = Sending()
        let receiving = Receiving()
        let sender = Hand(channel.sender)
        let receiver = Hand(channel.receiver)
        return Execution([
          { if sends == .sends { send(sender, account, sending) } else { _ = sender.take() } },
          { receive(receiver, receives, receiving) },
        ]) {
          if let trouble = ModelTests.verify(account, [sending], receiving) { return trouble }
          let waitsForIt = receives == .receives || receives == .triesThenReceives
          if waitsForIt && sends == .sends && receiving.received != [0] { return "the value was not received" }
          return nil
        }
      }
    }
  }
}

private func send(_ hand: Hand<OneShotSender<Small>>, _ account: Account, _ log: Sending) {
  _ = log.note(0, hand.take().send(Small(0, account)))
}

private func receive(_ hand: Hand<OneShotReceiver<Small>>, _ way: ModelTests.Single.ReceiverWay, _ log: Receiving) {
  var receiver = hand.take()
  switch way {
  case .receives: if let value = receiver.receive() { log.add(value.id) } else { log.sawEnd = true }
  case .tries: _ = note(receiver.tryReceive(), log)
  case .triesThenReceives:
    if note(receiver.tryReceive(), log) { return }
    if let value = receiver.receive() { log.add(value.id) } else { log.sawEnd = true }
  case .waitsAWhile:
    switch receiver.receive(timeout: .nanoseconds(100)) {
    case .received(let value): log.add(value.id)
    case .closed: log.sawEnd = true
    default: break
    }
  case .closes:
    receiver.close()
    if !note(receiver.tryReceive(), log) { log.sawMore = true }
  case .goes: break
  }
}

/// True if it is over.
private func note(_ outcome: consuming TryReceiveOutcome<Small>, _ log: Receiving) -> Bool {
  switch consume outcome {
  case .received(let value):
    log.add(value.id)
    return true
  case .closed:
    log.sawEnd = true
    return true
  case .empty: return false
  }
}
