import Testing
import TroupeChannels

/// What a wrong use of `Channel.select` says before it stops the program.
@Suite struct SelectMisuseTests {
  private func expect(_ result: ExitTest.Result?, _ messages: String...) {
    let error = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    for message in messages { #expect(error.contains(message), "\(error)") }
  }

  /// A selection in the form that blocks, where the compiler does not see that a task runs it.
  private static func selectBlocking(_ operations: (inout Selection<Int>) -> Void) -> Int {
    Channel.select(operations)
  }

  @Test func `a selection on a thread that names nothing to wait for`() async {
    let nothing = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = SelectMisuseTests.selectBlocking { _ in }
    }
    expect(nothing, "Channel.select(inOrder:_:) would wait for ever, because it was given no operation to wait for")
    let fired = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      var timer = Channel.after(.zero)
      _ = timer.tryReceive()
      var element: Int?
      let sender = Channel.bounded(1, of: Int.self).sender
      _ = SelectMisuseTests.selectBlocking { select in
        select.receive(&timer) { _ in 1 }
        select.send(&element, to: sender) { _ in 2 }
      }
    }
    expect(fired, "it was given no operation to wait for")
  }

  @Test func `a selection that would block a task names the asynchronous form`() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      var receiver = Channel.never(of: Int.self)
      _ = SelectMisuseTests.selectBlocking { $0.receive(&receiver) { $0 ?? 0 } }
    }
    expect(
      result, "Channel.select(inOrder:_:) was about to block a thread that runs a Swift task",
      "Use the asynchronous form: await Channel.select(inOrder:_:)")
  }

  @Test(arguments: [false, true])
  func `a closure that names another operation each time`(isInOrder: Bool) async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) { [isInOrder] in
      var receiver = Channel.never(of: Int.self)
      var calls = 0
      _ = await Channel.select(inOrder: isInOrder) { select in
        calls += 1
        for _ in 0..<calls { select.receive(&receiver) { $0 } }
      }
    }
    expect(
      result, "the closure of Channel.select(inOrder:_:) named 1 operations at first and then 2",
      "It must name the same ones each time")
  }

  @Test func `a ticker without a period`() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Channel.ticks(every: .zero)
    }
    expect(result, "the period of Channel.ticks(every:) must be above zero")
  }
}
