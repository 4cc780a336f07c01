import TestSupport
import Testing
import TroupeChannels

@Suite struct WeakSenderTests {
  @Test(arguments: Flavour.all)
  func `C48 a weak sender does not keep the channel open`(flavour: Flavour) async {
    let channel = flavour.channel(of: Int.self)
    var sender = Optional(channel.sender)
    var receiver = channel.receiver()
    let weak = sender!.weak
    var upgraded = weak.upgrade()
    #expect(upgraded != nil)
    sender = nil
    #expect(receiver.isClosed == false)
    let sending = Form.asynchronous.send([3], to: upgraded!)
    let element = await receiver.receive()
    #expect(element == 3)
    #expect(await sending.value == [.sent])
    upgraded = nil
    #expect(receiver.isClosed == true)
    #expect(weak.upgrade() == nil)
    let end = await receiver.receive()
    #expect(end == nil)
    #expect(weak.upgrade() == nil)
  }

  @Test func `C48 a sender that is made after the last one went can neither send nor be found`() {
    let channel = Channel.unbounded(of: Int.self)
    var sender = Optional(channel.sender)
    let weak = sender!.weak
    sender = nil
    let late = channel.sender
    #expect(late.send(1) == .closed(1))
    #expect(weak.upgrade() == nil)
    #expect(late.weak.upgrade() == nil)
    let bounded = Channel.bounded(1, of: Int.self)
    let weakBounded = bounded.sender.weak
    let lateBounded = bounded.sender
    #expect(lateBounded.trySend(1) == .closed(1))
    #expect(weakBounded.upgrade() == nil)
    #expect(throws: ReserveError.closed) { _ = try lateBounded.tryReserve() }
  }

  @Test func `C48 a permit lets a weak sender be upgraded`() throws {
    let channel = Channel.bounded(1, of: Int.self)
    var sender = Optional(channel.sender)
    let receiver = channel.receiver
    let weak = sender!.weak
    var permit = Optional(try sender!.tryReserve())
    sender = nil
    #expect(weak.upgrade() != nil)
    #expect(receiver.isClosed == false)
    permit = nil
    #expect(weak.upgrade() == nil)
    #expect(receiver.isClosed == true)
    let isNil = permit == nil
    #expect(isNil)
  }

  @Test func `C49 isClosed is true after the last sender went, for which a permit counts`() throws {
    let channel = Channel.bounded(3, of: Int.self)
    var sender = Optional(channel.sender)
    var receiver = channel.receiver
    #expect(sender!.trySend(1) == .sent)
    let permit = try sender!.tryReserve()
    sender = nil
    #expect(receiver.isClosed == false)
    #expect(receiver.tryReceive() == .received(1))
    #expect(receiver.tryReceive() == .empty)
    #expect(permit.send(2) == .sent)
    #expect(receiver.isClosed == true)
    #expect(receiver.tryReceive() == .received(2))
    #expect(receiver.tryReceive() == .closed)
  }
}
