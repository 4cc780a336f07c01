import TestSupport
import Testing
import TroupeChannels

@Suite(.spins) struct PermitTests {
  @Test(arguments: Form.allCases)
  func `C43 close refuses new sends at once, keeps what is there, and permits may still send`(form: Form) async throws {
    let channel = Channel.bounded(4, of: Int.self)
    let sender = channel.sender
    var receiver = channel.receiver
    #expect(sender.trySend(1) == .sent)
    let permit = try sender.tryReserve()
    let unused = try sender.tryReserve()
    receiver.close()
    receiver.close()
    #expect(receiver.isClosed == true)
    #expect(sender.isClosed)
    #expect(sender.trySend(2) == .closed(2))
    #expect(await sender.send(3) == .closed(3))
    #expect(throws: ReserveError.closed) { _ = try sender.tryReserve() }
    await #expect(throws: ReserveError.closed) { _ = try await sender.reserve() }
    let first = await form.next(&receiver)
    #expect(first == 1)
    #expect(receiver.tryReceive() == .empty)
    #expect(permit.send(4) == .sent)
    let second = await form.next(&receiver)
    #expect(second == 4)
    #expect(receiver.tryReceive() == .empty)
    _ = consume unused
    let end = await form.next(&receiver)
    #expect(end == nil)
  }

  @Test(arguments: Flavour.all, Form.allCases)
  func `C43 close on a channel without permits`(flavour: Flavour, form: Form) async {
    let channel = flavour.channel(of: Int.self)
    let sender = channel.sender
    var receiver = channel.receiver()
    for i in 0..<flavour.room { #expect(sender.trySend(i) == .sent) }
    receiver.close()
    #expect(receiver.isClosed == true)
    #expect(sender.isClosed)
    #expect(sender.trySend(9) == .closed(9))
    #expect(await form.collect(receiver) == Array(0..<flavour.room))
  }

  @Test(arguments: Form.waiting)
  func `C44 the last permit of a closed channel wakes the receiver when it is given back`(form: Form) async throws {
    for useMany in [false, true] {
      let channel = Channel.bounded(2, of: Int.self)
      let sender = AnySender.bounded(channel.sender)
      var permit = useMany ? nil : Optional(try channel.sender.tryReserve())
      var permits = useMany ? Optional(try channel.sender.tryReserve(2)) : nil
      var receiver = channel.receiver
      receiver.close()
      let receiving = Task { [envelope = Envelope(receiver)] in
        var receiver = envelope.take()
        return await form.next(&receiver)
      }
      await until { sender.isReceiverWaiting }
      permit = nil
      permits = nil
      #expect(await receiving.value == nil)
      let isNil = permit == nil && permits == nil
      #expect(isNil)
    }
  }

  @Test(arguments: Form.waiting)
  func `C44 a reservation that fails on close leaves no permit behind`(form: Form) async throws {
    let channel = Channel.bounded(2, of: Int.self)
    let sender = channel.sender
    var receiver = channel.receiver
    #expect(sender.trySend(1) == .sent)
    let reserving = reserve(2, sender, form)
    await until { sender.waitingSenders == 1 }
    receiver.close()
    #expect(await reserving.value == .closed)
    let elements = await form.collect(receiver)
    #expect(elements == [1])
  }

  @Test func `C44 a reservation cancelled as it is granted gives its slots back`() async throws {
    for _ in 0..<Scale.count(300) {
      let channel = Channel.bounded(1, of: Int.self)
      let sender = channel.sender
      var receiver = channel.receiver
      #expect(sender.trySend(1) == .sent)
      let reserving = Task { () -> Bool in
        do throws(ReserveError) {
          let permit = try await sender.reserve()
          _ = consume permit
          return true
        } catch { return error != .cancelled }
      }
      await until { sender.waitingSenders == 1 }
      let cancelling = Task { reserving.cancel() }
      #expect(receiver.tryReceive() == .received(1))
      await cancelling.value
      _ = await reserving.value
      #expect(sender.remainingCapacity == 1)
      #expect(sender.waitingSenders == 0)
    }
  }

  /// Takes permits and gives them back. Nil: it had them.
  private func reserve(_ count: Int, _ sender: BoundedSender<Int>, _ form: Form) -> Running<ReserveError?> {
    form == .blocking
      ? .thread(
        onThread(sender) { sender in
          do throws(ReserveError) { _ = try sender.reserve(count) } catch { return error }
          return nil
        })
      : .task(
        inTask(sender) { sender in
          do throws(ReserveError) { _ = try await sender.reserve(count) } catch { return error }
          return nil
        })
  }

  @Test(arguments: Form.waiting)
  func `C45 dropping a permit frees its slot and wakes the next waiter`(form: Form) async throws {
    let channel = Channel.bounded(1, of: Int.self)
    let sender = channel.sender
    var receiver = channel.receiver
    var permit = Optional(try sender.tryReserve())
    let sending = form.send([5], to: .bounded(sender))
    await until { sender.waitingSenders == 1 }
    permit = nil
    #expect(await sending.value == [.sent])
    let element = await form.next(&receiver)
    #expect(element == 5)
    permit = try sender.tryReserve()
    let reserving = reserve(1, sender, form)
    await until { sender.waitingSenders == 1 }
    permit = nil
    #expect(await reserving.value == nil)
    #expect(sender.remainingCapacity == 1)
    let isNil = permit == nil
    #expect(isNil)
  }

  @Test(arguments: Form.waiting)
  func `C45 one that wants several waits for all of them, and nobody overtakes it`(form: Form) async throws {
    let channel = Channel.bounded(3, of: Int.self)
    let sender = channel.sender
    var receiver = channel.receiver
    for i in 0..<3 { #expect(sender.trySend(i) == .sent) }
    let big = reserve(3, sender, form)
    await until { sender.waitingSenders == 1 }
    let small = form.send([9], to: .bounded(sender))
    await until { sender.waitingSenders == 2 }
    for i in 0..<2 {
      let element = await form.next(&receiver)
      #expect(element == i)
      #expect(sender.waitingSenders == 2)
      #expect(sender.trySend(7) == .full(7))
      #expect(throws: ReserveError.full) { _ = try sender.tryReserve() }
    }
    // There is room for one now, and yet whoever comes stands in line.
    let late = form.send([10], to: .bounded(sender))
    await until { sender.waitingSenders == 3 }
    let element = await form.next(&receiver)
    #expect(element == 2)
    #expect(await big.value == nil)
    #expect(await small.value == [.sent])
    // Both were served at once; which of them writes first is open.
    let rest: Set = [await form.next(&receiver), await form.next(&receiver)]
    #expect(rest == [9, 10])
    #expect(await late.value == [.sent])
  }

  @Test(arguments: Form.waiting)
  func `C45 the first in line that gives up lets the next have the room that was too small for it`(form: Form) async {
    let channel = Channel.bounded(2, of: Int.self)
    let sender = channel.sender
    var receiver = channel.receiver
    #expect(sender.trySend(1) == .sent)
    let big = Task { () async throws in _ = try await sender.reserve(2) }
    await until { sender.waitingSenders == 1 }
    let small = form.send([2], to: .bounded(sender))
    await until { sender.waitingSenders == 2 }
    big.cancel()
    #expect(await small.value == [.sent])
    await #expect(throws: ReserveError.cancelled) { try await big.value }
    for expected in 1...2 {
      let element = await form.next(&receiver)
      #expect(element == expected)
    }
  }

  @Test func `C46 tryReserve is full or closed, and more than the maximum fails at once`() async throws {
    let channel = Channel.bounded(2, of: Int.self)
    let sender = channel.sender
    var receiver = channel.receiver
    #expect(throws: ReserveError.moreThanCapacity) { _ = try sender.tryReserve(3) }
    await #expect(throws: ReserveError.moreThanCapacity) { _ = try await sender.reserve(3) }
    #expect(await reserve(3, sender, .blocking).value == .moreThanCapacity)
    let permit = try sender.tryReserve()
    #expect(throws: ReserveError.full) { _ = try sender.tryReserve(2) }
    #expect(sender.trySend(1) == .sent)
    #expect(sender.trySend(2) == .full(2))
    #expect(throws: ReserveError.full) { _ = try sender.tryReserve() }
    await #expect(throws: ReserveError.timedOut) { _ = try await sender.reserve(timeout: .milliseconds(1)) }
    receiver.close()
    #expect(throws: ReserveError.closed) { _ = try sender.tryReserve() }
    #expect(throws: ReserveError.moreThanCapacity) { _ = try sender.tryReserve(3) }
    _ = consume permit
    let rendezvous = Channel.rendezvous(of: Int.self).sender
    #expect(throws: ReserveError.moreThanCapacity) { _ = try rendezvous.tryReserve() }
  }

  @Test func `C46 reserving nothing gives no permits, unless the channel is closed`() async throws {
    for capacity in [0, 1] {
      let channel = Channel.bounded(capacity, of: Int.self)
      let sender = channel.sender
      var receiver = channel.receiver
      if capacity == 1 { #expect(sender.trySend(1) == .sent) }
      var permits = try sender.tryReserve(0)
      let hasOne = permits.next() != nil
      #expect(permits.count == 0 && !hasOne)
      let waited = try await sender.reserve(0)
      #expect(waited.count == 0)
      #expect(await reserve(0, sender, .blocking).value == nil)
      receiver.close()
      #expect(throws: ReserveError.closed) { _ = try sender.tryReserve(0) }
      await #expect(throws: ReserveError.closed) { _ = try await sender.reserve(0) }
      #expect(await reserve(0, sender, .blocking).value == .closed)
      permits.release()
      waited.release()
    }
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = try? Channel.bounded(1, of: Int.self).sender.tryReserve(-1)
    }
    let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(text.contains("the number of permits must not be negative, and is -1"), "\(text)")
  }

  @Test func `C45 a permit that is released frees its slot before its scope ends`() throws {
    let sender = Channel.bounded(3, of: Int.self).sender
    #expect(throws: ReserveError.closed) { _ = try sender.tryReserve() }
    let channel = Channel.bounded(3, of: Int.self)
    let open = channel.sender
    let permit = try open.tryReserve()
    var permits = try open.tryReserve(2)
    #expect(open.isFull)
    permit.release()
    #expect(open.remainingCapacity == 1)
    if let one = permits.next() { #expect(one.send(1).isSent) }
    permits.release()
    #expect(open.remainingCapacity == 2)
  }

  @Test func `C46 a permit outlives close, but not the receiver`() throws {
    let channel = Channel.bounded(2, of: Int.self)
    let sender = channel.sender
    var receiver = channel.receiver
    let first = try sender.tryReserve()
    let second = try sender.tryReserve()
    receiver.close()
    #expect(first.send(1) == .sent)
    _ = consume receiver
    #expect(second.send(2) == .closed(2))
  }

  @Test(arguments: [1, 3, 4, 10])
  func `C47 the remaining capacity falls on reserve and on send, and the maximum never changes`(capacity: Int) throws {
    let channel = Channel.bounded(capacity, of: Int.self)
    let sender = channel.sender
    var receiver = channel.receiver
    for lap in 0..<4 {
      var permits = try sender.tryReserve(capacity)
      #expect(sender.remainingCapacity == 0)
      #expect(sender.isFull)
      #expect(sender.count == 0)
      for sent in 1...capacity {
        guard let permit = permits.next() else {
          Issue.record("no permit")
          return
        }
        #expect(permits.count == capacity - sent)
        // The odd ones are given back.
        if sent % 2 == 0 { #expect(permit.send(lap) == .sent) } else { _ = consume permit }
        #expect(sender.remainingCapacity == (sent + 1) / 2)
        #expect(sender.count == sent / 2)
        #expect(sender.capacity == capacity)
      }
      let hasMore = permits.next() != nil
      #expect(!hasMore)
      #expect(receiver.drain() == Array(repeating: lap, count: capacity / 2))
      #expect(sender.remainingCapacity == capacity)
      _ = consume permits
      #expect(sender.remainingCapacity == capacity)
      #expect(receiver.capacity == capacity)
    }
    // Several permits given back at once, after partial use.
    if capacity >= 3 {
      var permits = try sender.tryReserve(3)
      if let permit = permits.next() { #expect(permit.send(1) == .sent) }
      #expect(sender.remainingCapacity == capacity - 3)
      _ = consume permits
      #expect(sender.remainingCapacity == capacity - 1)
    }
  }
}
