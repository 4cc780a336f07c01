import TestSupport
import Testing
import TroupeChannels

@Suite(.spins) struct BatchTests {
  @Test(arguments: Flavour.buffered)
  func `C23 draining takes what is pending and stops`(flavour: Flavour) {
    let channel = flavour.channel(of: Int.self)
    var sender = Optional(channel.sender)
    var receiver = channel.receiver()
    #expect(receiver.drain() == [])
    for _ in 0..<3 {
      for i in 0..<flavour.room { #expect(sender!.trySend(i) == .sent) }
      #expect(receiver.drain() == Array(0..<flavour.room))
    }
    for i in 0..<flavour.room { #expect(sender!.trySend(i) == .sent) }
    sender = nil
    #expect(receiver.drain() == Array(0..<flavour.room))
    #expect(receiver.drain() == [])
  }

  @Test(arguments: Flavour.buffered)
  func `C23 draining does not take what is sent meanwhile`(flavour: Flavour) {
    let channel = flavour.channel(of: Int.self)
    let sender = channel.sender
    var receiver = channel.receiver()
    _ = sender.trySend(0)
    let count = receiver.drain { _ = sender.trySend($0 + 1) }
    #expect(count == 1)
    #expect(receiver.tryReceive() == .received(1))
  }

  @Test func `C23 draining a rendezvous channel takes from every sender that waits`() async {
    let channel = Flavour.rendezvous.channel(of: Int.self)
    let sender = channel.sender
    var receiver = channel.receiver()
    let sending = (0..<3).map { Form.asynchronous.send([$0], to: sender) }
    await until { sender.waitingSenders == 3 }
    #expect(receiver.drain().sorted() == [0, 1, 2])
    for each in sending { #expect(await each.value == [.sent]) }
  }

  @Test(arguments: Flavour.buffered, Form.waiting)
  func `C23 receiving many`(flavour: Flavour, form: Form) async {
    let channel = flavour.channel(of: Int.self)
    var sender = Optional(channel.sender)
    var receiver = channel.receiver()
    // Nothing is there, and a limit of 0 does not wait.
    let batch1 = await many(&receiver, [8], limit: 0, form)
    #expect(batch1 == [8])
    let room = flavour.room
    for i in 0..<room { #expect(sender!.trySend(i) == .sent) }
    let batch2 = await many(&receiver, [8, 9], limit: 1_000, form)
    #expect(batch2 == [8, 9] + Array(0..<room))
    for i in 0..<room { #expect(sender!.trySend(i) == .sent) }
    var elements: [Int] = []
    while elements.count < room {
      let before = elements.count
      elements = await many(&receiver, elements, limit: 2, form)
      #expect(elements.count == min(before + 2, room))
    }
    #expect(elements == Array(0..<room))
    for i in 0..<room { #expect(sender!.trySend(i) == .sent) }
    sender = nil
    let batch3 = await many(&receiver, [], limit: .max, form)
    #expect(batch3 == Array(0..<room))
    let batch4 = await many(&receiver, [7], limit: .max, form)
    #expect(batch4 == [7])
  }

  @Test(arguments: Flavour.all, Form.waiting)
  func `C23 receiving many waits for the first element`(flavour: Flavour, form: Form) async {
    let channel = flavour.channel(of: Int.self)
    let sender = channel.sender
    let receiving = Task { [envelope = Envelope(channel.receiver())] in
      var receiver = envelope.take()
      return await many(&receiver, [], limit: 10, form)
    }
    await until { sender.isReceiverWaiting }
    #expect(sender.trySend(4) == .sent)
    #expect(await receiving.value == [4])
  }

  private func many(_ receiver: inout Receiver<Int>, _ elements: [Int], limit: Int, _ form: Form) async -> [Int] {
    if form == .blocking {
      return await Form.moved(&receiver) { receiver in
        var result = elements
        let count = receiver.receiveMany(into: &result, limit: limit)
        return result.count == elements.count + count ? result : [-1]
      }
    }
    var result = elements
    let count = await receiver.receiveMany(into: &result, limit: limit)
    return result.count == elements.count + count ? result : [-1]
  }

  @Test(arguments: Form.waiting)
  func `C23 a body that throws keeps the rest for later`(form: Form) async {
    struct Stop: Error {}
    let channel = Flavour.unbounded.channel(of: Int.self)
    let sender = channel.sender
    var receiver = channel.receiver()
    for i in 0..<5 { _ = sender.trySend(i) }
    if form == .blocking {
      await Form.moved(&receiver) { receiver in
        do { try receiver.receiveMany(limit: 9) { if $0 == 1 { throw Stop() } } } catch { return }
      }
    } else {
      do { try await receiver.receiveMany(limit: 9) { if $0 == 1 { throw Stop() } } } catch {}
    }
    #expect(receiver.drain() == [2, 3, 4])
  }
}
