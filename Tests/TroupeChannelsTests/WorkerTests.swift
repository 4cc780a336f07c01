import CTroupeShims
import TestSupport
import Testing
import TroupeChannels

/// The compiler refuses blocking calls in asynchronous code; hidden in synchronous functions it cannot.
private func receiveBlocking(_ receiver: consuming Receiver<Int>) -> Int? { receiver.receive() }
private func receiveOneShot(_ receiver: consuming OneShotReceiver<Int>) -> Int? { receiver.receive() }
private func reserveBlocking(_ sender: BoundedSender<Int>) { _ = try? sender.reserve() }
private func timedReceive(_ receiver: inout Receiver<Int>, _ timeout: Duration) -> TimedReceiveOutcome<Int> {
  receiver.receive(timeout: timeout)
}

@Suite(.spins) struct WorkerTests {
  @Test func `C50 a blocking receive that would park in a task stops the program and names the async form`() async {
    let unbounded = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let channel = Channel.unbounded(of: Int.self)
      let sender = channel.sender
      _ = receiveBlocking(channel.receiver)
      _ = sender.send(1)
    }
    let bounded = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let channel = Channel.bounded(1, of: Int.self)
      let sender = channel.sender
      _ = receiveBlocking(channel.receiver)
      _ = sender.trySend(1)
    }
    let rendezvous = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let channel = Channel.rendezvous(of: Int.self)
      let sender = channel.sender
      _ = receiveBlocking(channel.receiver)
      _ = sender.trySend(1)
    }
    let oneShot = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let channel = Channel.oneShot(of: Int.self)
      let sender = channel.sender
      _ = receiveOneShot(channel.receiver)
      _ = sender.send(1)
    }
    for result in [unbounded, bounded, rendezvous, oneShot] {
      #expect(text(result).contains("await receive()"))
      #expect(text(result).contains("Swift task"))
    }
  }

  @Test func `C50 so do a blocking send and a blocking reservation`() async {
    let bounded = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let channel = Channel.bounded(1, of: Int.self)
      let sender = AnySender.bounded(channel.sender)
      _ = sender.sendBlocking(1)
      _ = sender.sendBlocking(2)
      withExtendedLifetime(sender) {}
      _ = consume channel
    }
    let rendezvous = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let channel = Channel.rendezvous(of: Int.self)
      let sender = AnySender.bounded(channel.sender)
      _ = sender.sendBlocking(1)
      withExtendedLifetime(sender) {}
      _ = consume channel
    }
    let reserving = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let channel = Channel.bounded(1, of: Int.self)
      let sender = channel.sender
      let permit = try sender.tryReserve()
      reserveBlocking(sender)
      _ = consume permit
      _ = consume channel
    }
    #expect(text(bounded).contains("await send(_:)"))
    #expect(text(rendezvous).contains("await send(_:)"))
    #expect(text(reserving).contains("await reserve()"))
  }

  @Test func `C50 and on a thread that is a worker`() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let channel = Channel.unbounded(of: Int.self)
      let sender = channel.sender
      let parking = onThread(channel.receiver) { receiver in
        troupe_set_current_worker(UnsafeMutableRawPointer(bitPattern: 8))
        return receiveBlocking(receiver)
      }
      _ = await parking.value
      _ = sender.send(1)
    }
    #expect(text(result).contains("await receive()"))
    #expect(text(result).contains("worker of an actor system"))
  }

  @Test(arguments: Flavour.all)
  func `C50 blocking calls that need not park are allowed in a task`(flavour: Flavour) async {
    let channel = flavour.channel(of: Int.self)
    let sender = channel.sender
    var receiver = channel.receiver()
    #expect(timedReceive(&receiver, .zero) == .timedOut)
    for i in 0..<flavour.room { #expect(sender.sendBlocking(i) == .sent) }
    if flavour != .unbounded { #expect(sender.sendBlocking(9, timeout: .zero) == .timedOut(9)) }
    for i in 0..<flavour.room { #expect(timedReceive(&receiver, .seconds(3_600)) == .received(i)) }
    receiver.close()
    #expect(receiveBlocking(receiver) == nil)
  }

  @Test(arguments: Flavour.all, [true, false])
  func `C51 a task that awaits the receiver's end completes, and later ones at once`(
    flavour: Flavour, byClosing: Bool
  ) async {
    let channel = flavour.channel(of: Int.self)
    let sender = channel.sender
    var receiver = Optional(channel.receiver())
    let started = Collected<Int>()
    let watching = (0..<3).map { i in
      Task {
        started.append(i)
        await sender.receiverGone()
        return sender.isClosed
      }
    }
    let cancelled = Task {
      await sender.receiverGone()
      return sender.isClosed
    }
    await until { started.count == 3 }
    cancelled.cancel()
    #expect(await cancelled.value == false)
    if byClosing { receiver?.close() } else { receiver = nil }
    for each in watching { #expect(await each.value) }
    for _ in 0..<3 { await sender.receiverGone() }
    receiver = nil
    await sender.receiverGone()
    #expect(sender.isClosed)
  }

  private actor Worker {
    private var isStopped = false
    nonisolated let started = Collected<Int>()
    func stop() { isStopped = true }

    /// Takes elements from a channel that is always ready until another call of this actor has run.
    func consume(_ receiver: consuming Receiver<Int>, _ how: How, refill: @Sendable () -> Void) async -> Bool {
      var receiver = receiver
      started.append(1)
      for _ in 0..<20_000 where !isStopped {
        refill()
        switch how {
        case .receive: _ = await receiver.receive()
        case .timed: _ = await receiver.receive(timeout: .seconds(1))
        case .many: _ = await receiver.receiveMany(limit: 2) { _ in }
        }
      }
      return isStopped
    }
  }
  private enum How: CaseIterable { case receive, timed, many }

  @Test(arguments: [Flavour.unbounded, .bounded(5), .bounded(64)], How.allCases)
  private func `C52 a channel that is always ready does not starve others on the same executor`(
    flavour: Flavour, how: How
  ) async {
    let channel = flavour.channel(of: Int.self)
    let sender = channel.sender
    let worker = Worker()
    let envelope = Envelope(channel.receiver())
    let consuming = Task {
      await worker.consume(envelope.take(), how) {
        _ = sender.trySend(1)
        _ = sender.trySend(2)
      }
    }
    let stopping = Task {
      await until { worker.started.count > 0 }
      await worker.stop()
    }
    #expect(await consuming.value, "starved")
    await stopping.value
  }

  @Test func `C52 nor does a sequence, nor a rendezvous channel whose senders never end`() async {
    for flavour in [Flavour.bounded(5), .rendezvous] {
      let channel = flavour.channel(of: Int.self)
      let sender = channel.sender
      let (started, stopped) = (Collected<Int>(), Collected<Int>())
      let envelope = Envelope(channel.receiver())
      let producing = Form.blocking.produce(.max, to: sender) { $0 }
      let consuming = Task { @MainActor in
        for await element in envelope.take().elements() {
          started.append(element)
          if stopped.count > 0 { break }
        }
      }
      let stopping = Task {
        await until { started.count > 0 }
        await Task { @MainActor in stopped.append(1) }.value
      }
      await stopping.value
      await consuming.value
      #expect(await producing.value > 0)
    }
  }
}
