import TestSupport
import Testing
import TroupeChannels

@Suite(.spins) struct TimeReceiverTests {
  @Test func `C68 after fires once, and no earlier`() async {
    let clock = ManualClock()
    var timer = Channel.after(.seconds(10), clock: clock)
    #expect(timer.tryReceive() == nil)
    clock.advance(by: .seconds(10) - .nanoseconds(1))
    #expect(timer.tryReceive() == nil)
    clock.advance(by: .nanoseconds(1))
    #expect(timer.tryReceive() == ManualClock.Instant(offset: .seconds(10)))
    clock.advance(by: .seconds(100))
    #expect(timer.tryReceive() == nil)
    #expect(await timer.receive() == nil)
  }

  @Test(arguments: Form.waiting)
  func `C68 after by the real clock, in a selection and alone`(form: Form) async {
    let delay = Duration.milliseconds(3)
    let start = ContinuousClock.now
    if form == .blocking {
      let isFirstDue = await TestThread { () -> Bool in
        var first = Channel.after(delay)
        var second = Channel.after(.seconds(3_600))
        let moment: ContinuousClock.Instant = Channel.select { select in
          select.receive(&second) { $0 }
          select.receive(&first) { $0 }
        }
        // It has fired, so it is no operation of this selection.
        let isOver: Bool = Channel.select { select in
          select.receive(&first) { _ in false }
          select.otherwise { true }
        }
        var third = Channel.after(delay)
        return moment >= start + delay && isOver && third.receive() != nil && third.receive() == nil
      }.value
      #expect(isFirstDue)
    } else {
      var first = Channel.after(delay)
      var second = Channel.after(.seconds(3_600))
      let moment: ContinuousClock.Instant? = await Channel.select { select in
        select.receive(&second) { $0 }
        select.receive(&first) { $0 }
      }
      #expect(moment != nil && moment! >= start + delay)
      var third = Channel.after(delay)
      #expect(await third.receive() != nil)
      #expect(await third.receive() == nil)
    }
    #expect(ContinuousClock.now - start >= delay + delay)
  }

  @Test func `C68 a selection waits for a moment of another clock`() async {
    let clock = ManualClock()
    let channel = Channel.unbounded(of: Int.self)
    let selecting = Task { [clock, envelope = Envelope(channel.receiver)] in
      var receiver = envelope.take()
      var timer = Channel.after(.seconds(2), clock: clock)
      return await Channel.select { select in
        select.receive(&receiver) { _ in Duration.zero }
        select.receive(&timer) { $0.offset }
      }
    }
    let sender = channel.sender
    await until { clock.sleeperCount == 1 }
    clock.advance(by: .seconds(2))
    #expect(await selecting.value == .seconds(2))
    #expect(sender.isClosed)
  }

  @Test func `C68 ticks that are missed are one tick, and do not drift`() async {
    let clock = ManualClock()
    var ticks = Channel.ticks(every: .seconds(3), clock: clock)
    func at(_ seconds: Int) -> ManualClock.Instant { ManualClock.Instant(offset: .seconds(seconds)) }
    #expect(ticks.tryReceive() == nil)
    clock.advance(by: .seconds(3))
    #expect(ticks.tryReceive() == at(3))
    #expect(ticks.tryReceive() == nil)
    // 3.5 seconds late.
    clock.advance(by: .milliseconds(6_500))
    #expect(ticks.tryReceive() == at(6))
    #expect(ticks.tryReceive() == nil)
    clock.advance(by: .milliseconds(2_499))
    #expect(ticks.tryReceive() == nil)
    clock.advance(by: .milliseconds(1))
    #expect(ticks.tryReceive() == at(12))
    // Exactly at a multiple: that one is missed, too.
    clock.advance(by: .seconds(6))
    #expect(ticks.tryReceive() == at(15))
    #expect(ticks.tryReceive() == nil)
    clock.advance(by: .seconds(3))
    #expect(ticks.tryReceive() == at(21))
    // Early and late by turns: of each two ticks the second is missed, and after a thousand all are where they belong.
    for number in stride(from: 1, to: 1_000, by: 2) {
      clock.advance(by: .milliseconds(2_300))
      #expect(ticks.tryReceive() == nil)
      clock.advance(by: .milliseconds(3_700))
      #expect(ticks.tryReceive() == at(21 + 3 * number))
    }
  }

  @Test func `C68 ticks of the real clock come no earlier than their moments`() async {
    let start = ContinuousClock.now
    var ticks = Channel.ticks(every: .milliseconds(1))
    for number in 1...5 {
      guard let moment = await ticks.receive() else { break }
      #expect(moment <= .now)
      #expect(start + .milliseconds(number) <= moment)
    }
  }

  @Test func `C68 a receive of a tick that is cancelled does not lose it`() async {
    let clock = ManualClock()
    let receiving = Task { [clock] in
      var ticks = Channel.ticks(every: .seconds(1), clock: clock)
      let first = await ticks.receive()
      clock.advance(by: .seconds(1))
      return (first, ticks.tryReceive())
    }
    await until { clock.sleeperCount == 1 }
    receiving.cancel()
    let (first, second) = await receiving.value
    #expect(first == nil)
    #expect(second == ManualClock.Instant(offset: .seconds(1)))
  }

  @Test func `C68 never is neither ready nor closed`() async {
    var never = Channel.never(of: Int.self)
    #expect(never.tryReceive() == .empty)
    let isClosed = never.isClosed
    #expect(!isClosed)
    let event: Bool? = await Channel.select { select in
      select.receive(&never) { _ in false }
      select.otherwise { true }
    }
    #expect(event == true)
  }
}
