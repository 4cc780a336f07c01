import TestSupport
import Testing
import Troupe

/// The code of `Docs/Select.md`, which is compiled and run here.
@Suite(.spins) struct SelectExamples {
  enum Event: Equatable {
    case order(String?), cancelled(Int?), printed(Bool), idle
  }

  @Test func `several operations`() async {
    let channel = Channel.unbounded(of: String.self)
    let numbers = Channel.unbounded(of: Int.self)
    let invoices = Channel.bounded(1, of: String.self)
    var orders = channel.receiver
    var cancellations = numbers.receiver
    let ends = (channel.sender, numbers.sender)
    let printer = invoices.sender
    var invoice: String? = nil
    _ = ends.0.send("tea")
    let event: Event? = await Channel.select { select in
      select.receive(&orders) { order in .order(order) }
      select.receive(&cancellations) { number in .cancelled(number) }
      select.send(&invoice, to: printer) { isSent in .printed(isSent) }
      select.otherwise(after: .seconds(1)) { .idle }
    }
    #expect(event == .order("tea"))
  }

  @Test func `a number of operations that is known at run time`() async {
    let full = Channel.bounded(1, of: Int.self)
    let free = Channel.bounded(1, of: Int.self)
    let senders = [full.sender, free.sender]
    _ = senders[0].trySend(0)
    let newspaper = Channel.unbounded(of: String.self)
    var news = newspaper.receiver
    let isOpen = false
    var job: Int? = 7
    let index: Int? = await Channel.select { select in
      for index in senders.indices {
        select.send(&job, to: senders[index]) { isSent in index }
      }
      if isOpen { select.receive(&news) { _ in -1 } }
    }
    #expect(index == 1)
    #expect(job == nil)
    var receiver = free.receiver
    let received = receiver.tryReceive()
    #expect(received == .received(7))
  }

  @Test func `an element that is not Sendable`() async {
    final class Job { var steps: [String] = [] }
    let channel = Channel.bounded(8, of: Handover<Job>.self)
    let sender = channel.sender
    var job: Handover<Job>? = Handover(Job())
    let isSent: Bool? = await Channel.select { select in
      select.send(&job, to: sender) { $0 }
      select.otherwise { false }
    }
    #expect(isSent == true)
    #expect(job == nil)
    var receiver = channel.receiver
    let received = await receiver.receive()?.take()
    #expect(received?.steps == [])
  }

  @Test func `in order`() async {
    let stops = Channel.unbounded(of: Int.self)
    let works = Channel.unbounded(of: Int.self)
    let senders = [stops.sender, works.sender]
    for sender in senders { _ = sender.send(1) }
    var stop = stops.receiver
    var work = works.receiver
    let isOver: Bool? = await Channel.select(inOrder: true) { select in
      select.receive(&stop) { _ in true }
      select.receive(&work) { _ in false }
    }
    #expect(isOver == true)
  }

  @Test func `time`() async throws {
    var ticks = Channel.ticks(every: .milliseconds(1))
    var end = Channel.after(.milliseconds(5))
    var count = 0
    while await Channel.select({ select in
      select.receive(&ticks) { _ in true }
      select.receive(&end) { _ in false }
    }) == true { count += 1 }
    // At the end a tick may be ready as well, and one that is late is one with those that it missed.
    #expect((0...5).contains(count))
    try DocPage("Select.md").expectCode(atLeast: 5)
  }
}
