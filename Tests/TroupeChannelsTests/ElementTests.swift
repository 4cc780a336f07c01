import Foundation
import TestSupport
import Testing
import TroupeChannels

private final class NotSendable {
  var value: Int
  init(_ value: Int) { self.value = value }
}

private struct Nested: ~Copyable, Sendable {
  var inner: Receiver<Nested>?
}

@Suite(.spins) struct ElementTests {
  @Test(arguments: Flavour.all)
  func `C9 elements of 32 KiB do not overflow a small stack`(flavour: Flavour) async {
    let channel = flavour.channel(of: Huge.self)
    let producing = onSmallThread(channel.sender) { sender in
      for i in 0..<20 { _ = sender.sendBlocking(Huge(i)) }
      return 20
    }
    let consuming = onSmallThread(channel.receiver()) { receiver in
      var receiver = receiver
      var (sum, isWhole) = (0, true)
      while let element = receiver.receive() {
        sum += element.id
        isWhole = isWhole && element.isWhole
      }
      return isWhole ? sum : -1
    }
    #expect(await consuming() == 190)
    #expect(await producing() == 20)
  }

  /// On a thread with a stack of 1 MiB, or of 2 MiB without optimisation, where each step has a copy of its own.
  private func onSmallThread<Value: ~Copyable & Sendable>(
    _ value: consuming Value, _ body: @escaping @Sendable (consuming Value) -> Int
  ) -> @Sendable () async -> Int {
    let envelope = Envelope(value)
    let done = Collected<Int>()
    let thread = Thread { done.append(body(envelope.take())) }
    #if DEBUG
      thread.stackSize = 2 << 20
    #else
      thread.stackSize = 1 << 20
    #endif
    thread.start()
    return {
      await until { done.count == 1 }
      return done.all[0]
    }
  }

  @Test(arguments: Flavour.all, Form.allCases)
  func `C9 elements of 32 KiB in every form`(flavour: Flavour, form: Form) async {
    let channel = flavour.channel(of: Huge.self)
    let producing = form.produce(20, to: channel.sender) { Huge($0) }
    let elements = await form.collect(channel.receiver())
    #expect(elements.map(\.id) == Array(0..<20))
    #expect(elements.filter { !$0.isWhole }.isEmpty)
    #expect(await producing.value == 20)
  }

  @Test(arguments: Flavour.all, Form.allCases)
  func `C9 elements without size`(flavour: Flavour, form: Form) async {
    let channel = flavour.channel(of: Void.self)
    let producing = form.produce(200, to: channel.sender) { _ in }
    let count = await form.forEach(channel.receiver()) { _ in }.value
    #expect(count == 200)
    #expect(await producing.value == 200)
  }

  @Test(arguments: Flavour.all, Form.allCases)
  func `C10 noncopyable elements`(flavour: Flavour, form: Form) async {
    let ledger = Ledger(100)
    let channel = flavour.channel(of: Token.self)
    let producing = form.produce(100, to: channel.sender) { Token($0, ledger) }
    let ids = Collected<Int>()
    let count = await form.forEach(channel.receiver()) { ids.append($0.id) }.value
    #expect(count == 100)
    #expect(ids.all == Array(0..<100))
    #expect(await producing.value == 100)
    #expect(ledger.isBalanced)
  }

  @Test(arguments: Flavour.buffered)
  func `C10 an object that is not Sendable, if nothing else refers to it`(flavour: Flavour) async {
    let channel = flavour.channel(of: NotSendable.self)
    let sender = channel.sender
    var receiver = channel.receiver()
    let object = NotSendable(3)
    switch sender.trySend(object) {
    case .sent: break
    default: Issue.record("not sent")
    }
    guard let received = await receiver.receive() else {
      Issue.record("nothing received")
      return
    }
    // It may go on to another task.
    let value = await Task {
      received.value += 1
      return received.value
    }.value
    #expect(value == 4)
  }

  @Test(arguments: Flavour.all)
  func `C10 closures`(flavour: Flavour) async {
    let channel = flavour.channel(of: (@Sendable (Int) -> Int).self)
    let producing = Form.asynchronous.produce(5, to: channel.sender) { i in { @Sendable in $0 * i } }
    var receiver = channel.receiver()
    var results: [Int] = []
    while let multiply = await receiver.receive() { results.append(multiply(10)) }
    #expect(results == [0, 10, 20, 30, 40])
    #expect(await producing.value == 5)
  }

  @Test func `C10 printing a handle does not print elements`() async {
    let unbounded = Channel.unbounded(of: String.self)
    let sender = unbounded.sender
    _ = sender.send("secret")
    let receiver = unbounded.receiver
    let bounded = Channel.bounded(2, of: String.self)
    let boundedSender = bounded.sender
    _ = boundedSender.trySend("secret")
    let boundedReceiver = bounded.receiver
    let texts = [
      sender.description, boundedSender.description, receiver.description, boundedReceiver.description,
      "\(sender)", "\(boundedSender)", "\(sender.weak)", "\(boundedSender.weak)",
    ]
    for text in texts { #expect(!text.contains("secret")) }
    #expect(sender.description.contains("1 queued"))
    #expect(boundedSender.description.contains("bounded(2)"))
  }

  @Test(arguments: [true, false])
  func `C11 receivers travel through channels, a thousand deep`(isUnpacked: Bool) async {
    var outer: Receiver<Nested>?
    for _ in 0..<1_000 {
      let channel = Channel.unbounded(of: Nested.self)
      _ = channel.sender.send(Nested(inner: outer.take()))
      outer = .some(channel.receiver)
    }
    if !isUnpacked { return }
    var depth = 0
    while var receiver = outer.take() {
      guard let nested = await receiver.receive() else { break }
      depth += 1
      outer = nested.inner
    }
    #expect(depth == 1_000)
  }
}
