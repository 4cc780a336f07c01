import Synchronization
import Testing

@testable import TroupeChannels

/// Queues that are so far behind that their senders use long blocks.
@Suite struct LongQueueTests {
  private static let long = SlotSegment<Token>.longCapacity
  /// Enough to fill a long block and go on in the next one.
  private static let many = Int(SlotSegment<Token>.longBacklog) + long + 200

  private func isLong(_ sender: Sender<Token>) -> Bool {
    sender.handle.core.queue.state.pointee.tailBlock.load(ordering: .relaxed) & QueueState.longBlock != 0
  }

  @Test func `C3 a queue of several long blocks keeps the order, and the count is exact`() {
    let ledger = Ledger(2 * Self.many)
    let channel = Channel.unbounded(of: Token.self)
    let sender = channel.sender
    var receiver = channel.receiver
    for _ in 0..<Self.many { _ = sender.send(Token(ledger)) }
    #expect(isLong(sender))
    #expect(sender.count == Self.many)
    var expected = 0
    var inOrder = true
    // One more for each two that are taken, so that the queue goes from long blocks back to short ones while
    // it is used.
    for i in 0..<Self.many {
      guard case .received(let token) = receiver.tryReceive() else { break }
      inOrder = inOrder && token.id == expected
      expected += 1
      if i % 2 == 0 { _ = sender.send(Token(ledger)) }
    }
    #expect(inOrder)
    #expect(sender.count == ledger.madeCount - expected)
    receiver.drain { token in
      inOrder = inOrder && token.id == expected
      expected += 1
    }
    #expect(inOrder && expected == ledger.madeCount)
    #expect(ledger.isBalanced)
  }

  @Test func `C37 what is left in long blocks is destroyed with the receiver`() {
    let ledger = Ledger(Self.many)
    let channel = Channel.unbounded(of: Token.self)
    let sender = channel.sender
    for _ in 0..<Self.many { _ = sender.send(Token(ledger)) }
    #expect(isLong(sender))
    do {
      var receiver = channel.receiver
      for _ in 0..<100 { _ = receiver.tryReceive() }
    }
    #expect(ledger.isBalanced && ledger.destroyedCount == Self.many)
  }

  @Test func `C8 a queue that idles in a long block goes back to its own slots`() {
    let ledger = Ledger(Self.many + 10)
    let channel = Channel.unbounded(of: Token.self)
    let sender = channel.sender
    var receiver = channel.receiver
    for _ in 0..<Self.many { _ = sender.send(Token(ledger)) }
    #expect(receiver.drain { _ = consume $0 } == Self.many)
    // As a receiver does before it sleeps, and after it has been woken.
    let idling = receiver.core.queue.idle()
    #expect(idling == .idle)
    #expect(receiver.core.queue.unidle())
    let isInline = receiver.core.queue.consumer.pointee.isInline
    #expect(isInline)
    for _ in 0..<10 { _ = sender.send(Token(ledger)) }
    #expect(sender.count == 10)
    #expect(receiver.drain { _ = consume $0 } == 10)
    #expect(ledger.isBalanced)
  }
}
