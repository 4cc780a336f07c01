import Dispatch
import Foundation
import Testing
import TroupeChannels

/// The ways of the table at `Receiver`, by which a receiver gets to other threads and tasks.
@Suite struct HandoverTests {
  /// A channel with 1 to 10 in it, and no sender left.
  private func filled() -> UnboundedChannel<Int> {
    let channel = Channel.unbounded(of: Int.self)
    let sender = channel.sender
    for number in 1...10 { _ = sender.send(number) }
    return channel
  }

  private func sum(_ receiver: consuming Receiver<Int>) async -> Int {
    var receiver = receiver
    var sum = 0
    while let number = await receiver.receive() { sum += number }
    return sum
  }

  @Test func `to a Foundation thread`() async {
    let channel = filled()
    let sum = await withCheckedContinuation { continuation in
      Thread.detachNewThread { [receiver = Handover(channel.receiver)] in
        var sum = 0
        for number in receiver.take().blockingElements() { sum += number }
        continuation.resume(returning: sum)
      }
    }
    #expect(sum == 55)
  }

  @Test func `to a Dispatch queue`() async {
    let channel = filled()
    let sum = await withCheckedContinuation { continuation in
      DispatchQueue.global().async { [receiver = Handover(channel.receiver)] in
        var receiver = receiver.take()
        var sum = 0
        receiver.forEach { sum += $0 }
        continuation.resume(returning: sum)
      }
    }
    #expect(sum == 55)
  }

  @Test func `to a task`() async {
    let channel = filled()
    var receiver = channel.receiver
    let task = Task {
      var sum = 0
      while let number = await receiver.receive() { sum += number }
      return sum
    }
    #expect(await task.value == 55)
  }

  @Test func `to a task of a group`() async {
    let channel = filled()
    let total = await withTaskGroup(of: Int.self) { group in
      group.addTask { [receiver = Handover(channel.receiver)] in await sum(receiver.take()) }
      return await group.next()
    }
    #expect(total == 55)
  }

  @Test func `to an async let`() async {
    let channel = filled()
    async let total = sum(channel.receiver)
    #expect(await total == 55)
    let handover = Handover(filled().receiver)
    async let again = sum(handover.take())
    #expect(await again == 55)
  }

  private actor Reader {
    private var receiver: Receiver<Int>?
    init(_ receiver: consuming Receiver<Int>) { self.receiver = consume receiver }

    func next() async -> Int? {
      guard var receiver = receiver.take() else { return nil }
      let element = await receiver.receive()
      self.receiver = consume receiver
      return element
    }
  }

  @Test func `to an actor that keeps it`() async {
    let reader = Reader(filled().receiver)
    var sum = 0
    while let number = await reader.next() { sum += number }
    #expect(sum == 55)
  }

  @Test func `what nobody takes goes with the handover`() {
    let channel = Channel.unbounded(of: Int.self)
    let sender = channel.sender
    var handover = Optional(Handover(channel.receiver))
    #expect(!sender.isClosed)
    handover = nil
    #expect(sender.send(1) == .closed(1))
    #expect(handover == nil)
  }

  @Test func `it carries what is neither copyable nor Sendable, once`() {
    final class Node { var value = 0 }
    struct Owner: ~Copyable { let node: Node }
    let handover = Handover(Owner(node: Node()))
    let owner = handover.take()
    owner.node.value += 1
    #expect(owner.node.value == 1)
  }

  @Test func `a second take stops the program`() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let handover = Handover(Channel.unbounded(of: Int.self).receiver)
      _ = handover.take()
      _ = handover.take()
    }
    let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(text.contains("of a Handover was taken before"), "\(text)")
  }
}
