import Foundation
import TestSupport
import Testing
import TroupeChannels

/// Short random histories on real threads, each of which must be explained by some order of its calls, one at
/// a time. To run one seed again: `TROUPE_TEST_SEED=<seed>`.
@Suite(.spins) struct LinearizabilityTests {
  static let seeds: [UInt64] = {
    if let text = ProcessInfo.processInfo.environment["TROUPE_TEST_SEED"], let seed = UInt64(text) { return [seed] }
    let first = UInt64.random(in: 0...(.max))
    print("LinearizabilityTests: seeds from \(first), TROUPE_TEST_SEED=\(first)")
    return (0..<4).map { first &+ $0 }
  }()

  @Test(arguments: Flavour.all, seeds)
  func `histories of channels are linearizable`(flavour: Flavour, seed: UInt64) async {
    await check(flavour, seed, selects: false)
  }

  /// A selection that is alone with its operation is that operation, whatever else it waits for.
  @Test(arguments: Flavour.all, seeds)
  func `histories of channels are linearizable, by selections`(flavour: Flavour, seed: UInt64) async {
    await check(flavour, seed, selects: true)
  }

  private func check(_ flavour: Flavour, _ seed: UInt64, selects: Bool) async {
    var random = SplitMix(seed: seed)
    let producers = 1 + Int(random.next() % 3)
    let rounds = Scale.count(2_000)
    let programs = (0..<rounds).map { _ in Program(&random, producers: producers) }
    let histories = await run(programs, producers: producers, selects: selects) { flavour.channel(of: Int.self) }
    var interleaved = 0
    for history in histories {
      if isInterleaved(history) { interleaved += 1 }
      #expect(isLinearizable(history, flavour, producers), "seed \(seed), \(flavour)\n\(text(history))")
    }
    // Threads that never meet would prove nothing.
    #expect(interleaved > 0, "seed \(seed), \(flavour)")
  }

  @Test(arguments: seeds)
  func `histories of one-shot channels are linearizable`(seed: UInt64) async {
    var random = SplitMix(seed: seed)
    let rounds = Scale.count(2_000)
    let programs = (0..<rounds).map { _ in OneShotProgram(&random) }
    let histories = await run(programs)
    var interleaved = 0
    for history in histories {
      if isInterleaved(history) { interleaved += 1 }
      var linearizer = Linearizer(OneShotSpecification(), history)
      let isExplained = linearizer.isLinearizable()
      #expect(isExplained, "seed \(seed)\n\(text(history))")
    }
    #expect(interleaved > 0, "seed \(seed)")
  }

  @Test func `a history that no order explains is found`() {
    func calls(_ all: [(Action, Response, Int, Int)]) -> [Call] {
      all.map { Call(thread: 0, action: $0.0, response: $0.1, began: $0.2, ended: $0.3) }
    }
    func isExplained(_ history: [Call], capacity: Int? = nil) -> Bool {
      var linearizer = Linearizer(BufferedSpecification(capacity: capacity, senders: 1), history)
      return linearizer.isLinearizable()
    }
    // Two sends at the same time may change places, two in a row may not.
    #expect(
      isExplained(
        calls([(.send(1), .sent, 0, 3), (.send(2), .sent, 1, 2), (.receive, .received(2), 4, 5)])))
    #expect(
      !isExplained(
        calls([(.send(1), .sent, 0, 1), (.send(2), .sent, 2, 3), (.receive, .received(2), 4, 5)])))
    // Empty after a send has returned; sent after a close; full with room.
    #expect(!isExplained(calls([(.send(1), .sent, 0, 1), (.tryReceive, .empty, 2, 3)])))
    #expect(!isExplained(calls([(.close, .done, 0, 1), (.send(1), .sent, 2, 3)])))
    #expect(!isExplained(calls([(.trySend(1), .full, 0, 1)]), capacity: 1))
    #expect(!isExplained(calls([(.trySend(1), .sent, 0, 1), (.trySend(2), .sent, 2, 3)]), capacity: 1))
    // The same element twice.
    #expect(
      !isExplained(
        calls([(.send(1), .sent, 0, 1), (.receive, .received(1), 2, 3), (.receive, .received(1), 4, 5)])))
  }

  // MARK: Judging

  private func isLinearizable(_ history: [Call], _ flavour: Flavour, _ senders: Int) -> Bool {
    switch flavour {
    case .rendezvous:
      var linearizer = Linearizer(HandOverSpecification(senders: senders), history)
      return linearizer.isLinearizable()
    case .bounded(let capacity):
      var linearizer = Linearizer(BufferedSpecification(capacity: capacity, senders: senders), history)
      return linearizer.isLinearizable()
    case .unbounded:
      var linearizer = Linearizer(BufferedSpecification(capacity: nil, senders: senders), history)
      return linearizer.isLinearizable()
    }
  }

  private func isInterleaved(_ history: [Call]) -> Bool {
    history.contains { call in
      history.contains { $0.thread != call.thread && $0.began < call.ended && call.began < $0.ended }
    }
  }

  private func text(_ history: [Call]) -> String {
    history.sorted { $0.began < $1.began }.map(\.description).joined(separator: "\n")
  }

  // MARK: Running

  /// The histories of all programs, each on a channel of its own.
  private func run(
    _ programs: [Program], producers: Int, selects: Bool, _ make: () -> TestChannel<Int>
  ) async -> [[Call]] {
    let clock = HistoryClock()
    let line = StartLine(producers + 1)
    var senders: [[Hand<AnySender<Int>>]] = Array(repeating: [], count: producers)
    var receivers: [Hand<Receiver<Int>>] = []
    for _ in programs {
      let channel = make()
      for index in 0..<producers { senders[index].append(Hand(channel.sender)) }
      receivers.append(Hand(channel.receiver()))
    }
    let sending = (0..<producers).map { index in
      let own = senders[index]
      return TestThread { () -> [[Call]] in
        programs.indices.map { round in
          line.wait(round)
          let recorder = Recorder(thread: index, clock: clock)
          return send(programs[round].producers[index], own[round], recorder, selects: selects && index > 0)
        }
      }
    }
    let all = receivers
    let receiving = TestThread { () -> [[Call]] in
      programs.indices.map { round in
        line.wait(round)
        let recorder = Recorder(thread: producers, clock: clock)
        return receive(programs[round].consumer, all[round], recorder, selects: selects)
      }
    }
    var histories = await receiving.value
    for thread in sending {
      for (round, calls) in await thread.value.enumerated() { histories[round] += calls }
    }
    return histories
  }

  private func run(_ programs: [OneShotProgram]) async -> [[Call]] {
    let clock = HistoryClock()
    let line = StartLine(2)
    var senders: [Hand<OneShotSender<Int>>] = []
    var receivers: [Hand<OneShotReceiver<Int>>] = []
    for _ in programs {
      let channel = Channel.oneShot(of: Int.self)
      senders.append(Hand(channel.sender))
      receivers.append(Hand(channel.receiver))
    }
    let (allSenders, allReceivers) = (senders, receivers)
    let sending = TestThread { () -> [[Call]] in
      programs.indices.map { round in
        line.wait(round)
        return send(programs[round].sender, allSenders[round], Recorder(thread: 0, clock: clock))
      }
    }
    let receiving = TestThread { () -> [[Call]] in
      programs.indices.map { round in
        line.wait(round)
        return receive(programs[round].receiver, allReceivers[round], Recorder(thread: 1, clock: clock))
      }
    }
    let (first, second) = (await sending.value, await receiving.value)
    return zip(first, second).map { $0 + $1 }
  }
}

/// The same as `Envelope`, under a name of its own: it goes to the thread that uses its value up.
private typealias Hand = Envelope

// MARK: Programs

/// What each thread does, in order. Each ends by letting go of its end, so that nobody waits for ever.
private struct Program: Sendable {
  let producers: [[Action]]
  let consumer: [Action]

  init(_ random: inout SplitMix, producers count: Int) {
    var value = 0
    producers = (0..<count).map { _ in
      (0..<(1 + random.next() % 4)).map { _ in
        value += 1
        switch random.next() % 6 {
        case 0, 1: return Action.send(value)
        case 2: return Action.sendNow(value)
        case 3, 4: return Action.trySend(value)
        default: return Action.senderIsClosed
        }
      } + [.dropSender]
    }
    consumer =
      (0..<(random.next() % 7)).map { _ in
        switch random.next() % 8 {
        case 0, 1, 2: Action.receive
        case 3: Action.receiveNow
        case 4, 5, 6: Action.tryReceive
        default: Action.close
        }
      } + [.dropReceiver]
  }
}

private struct OneShotProgram: Sendable {
  let sender: [Action]
  let receiver: [Action]

  init(_ random: inout SplitMix) {
    let looks = (0..<(random.next() % 2)).map { _ in Action.senderIsClosed }
    sender = looks + [random.next() % 4 == 0 ? .dropSender : .send(1)]
    let before = (0..<(random.next() % 3)).map { _ in random.next() % 4 == 0 ? Action.close : Action.tryReceive }
    let last: [Action] = [.receive, .receiveNow, .dropReceiver]
    receiver = before + [last[Int(random.next() % 3)]]
  }
}

private func send(
  _ actions: [Action], _ hand: Hand<AnySender<Int>>, _ recorder: consuming Recorder, selects: Bool
) -> [Call] {
  var sender = Optional(hand.take())
  for action in actions {
    recorder.record(action) {
      if selects, case .bounded(let sender) = sender, let response = select(action, sender) { return response }
      switch action {
      case .send(let value): return Response(sender!.sendBlocking(value))
      case .sendNow(let value): return Response(sender!.sendBlocking(value, timeout: .zero))
      case .trySend(let value): return Response(sender!.trySend(value))
      case .senderIsClosed: return sender!.isClosed ? .yes : .no
      default:
        _ = sender.take()
        return .done
      }
    }
  }
  return recorder.finish()
}

/// The same by a selection, or nil if the action is none that waits. Another operation is there, too, and never ready.
private func select(_ action: Action, _ sender: BoundedSender<Int>) -> Response? {
  var nothing = Channel.never(of: Int.self)
  func selected(_ value: Int, timeout: Duration) -> Response {
    var pending = Optional(value)
    return Channel.select { select in
      select.receive(&nothing) { _ in .done }
      select.send(&pending, to: sender) { $0 ? .sent : .closed }
      if timeout == .zero { select.otherwise { .full } } else { select.otherwise(after: timeout) { .timedOut } }
    }
  }
  switch action {
  case .send(let value): return selected(value, timeout: .seconds(3_600))
  case .trySend(let value): return selected(value, timeout: .zero)
  default: return nil
  }
}

private func select(_ action: Action, _ receiver: inout Receiver<Int>) -> Response? {
  var nothing = Channel.never(of: Int.self)
  switch action {
  case .receive:
    return Channel.select { select in
      select.receive(&receiver) { $0.map { .received($0) } ?? .closed }
      select.receive(&nothing) { _ in .done }
    }
  case .tryReceive:
    return Channel.select { select in
      select.receive(&receiver) { $0.map { .received($0) } ?? .closed }
      select.otherwise { .empty }
    }
  default: return nil
  }
}

private func receive(
  _ actions: [Action], _ hand: Hand<Receiver<Int>>, _ recorder: consuming Recorder, selects: Bool
) -> [Call] {
  var receiver = Optional(hand.take())
  for action in actions {
    recorder.record(action) {
      if selects, let response = select(action, &receiver!) { return response }
      switch action {
      case .receive: return Response(receiver!.receive())
      case .receiveNow: return Response(receiver!.receive(timeout: .zero))
      case .tryReceive: return Response(receiver!.tryReceive())
      case .close:
        receiver!.close()
        return .done
      default:
        _ = receiver.take()
        return .done
      }
    }
  }
  return recorder.finish()
}

private func send(_ actions: [Action], _ hand: Hand<OneShotSender<Int>>, _ recorder: consuming Recorder) -> [Call] {
  var sender = Optional(hand.take())
  for action in actions {
    recorder.record(action) {
      switch action {
      case .send(let value):
        guard let end = sender.take() else { return .done }
        switch end.send(value) {
        case .sent: return .sent
        case .closed: return .closed
        }
      case .senderIsClosed: return isClosed(sender) ? .yes : .no
      default:
        _ = sender.take()
        return .done
      }
    }
  }
  return recorder.finish()
}

private func receive(_ actions: [Action], _ hand: Hand<OneShotReceiver<Int>>, _ recorder: consuming Recorder) -> [Call]
{
  var receiver = Optional(hand.take())
  for action in actions {
    recorder.record(action) {
      switch action {
      case .receive:
        guard let end = receiver.take() else { return .done }
        return Response(end.receive())
      case .receiveNow:
        guard let end = receiver.take() else { return .done }
        return Response(end.receive(timeout: .zero))
      case .tryReceive: return Response(receiver!.tryReceive())
      case .close:
        receiver!.close()
        return .done
      default:
        _ = receiver.take()
        return .done
      }
    }
  }
  return recorder.finish()
}

private func isClosed(_ sender: borrowing OneShotSender<Int>?) -> Bool {
  switch sender {
  case .some(let sender): sender.isClosed
  case .none: true
  }
}
