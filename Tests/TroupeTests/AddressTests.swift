import TestSupport
import Testing
import Troupe

@Suite(.spins) struct AddressTests {
  typealias Sink = Trail<Int>
  static func sink(_ sim: Simulation, _ seen: Trail<Int>, _ name: String = "sink", capacity: Int = 0) -> Address<Int> {
    sim.system.spawn(name, options: SpawnOptions(mailbox: capacity == 0 ? .unbounded : .bounded(capacity)), state: 0) {
      (_: inout Int, message: consuming Int, _: Context<Int>) in seen.append(message)
    }
  }

  @Test func `addresses are equal if they are of one actor, and print its path`() {
    let sim = Simulation(seed: 1)
    let (a, b) = (Self.sink(sim, Trail(), "a"), Self.sink(sim, Trail(), "b"))
    let own = Trail<Address<String>>()
    let c = sim.system.spawn("c", state: 0) { (_: inout Int, _: consuming String, context: Context<String>) in
      own.append(context.address)
      context.spawn("child", state: 0) { (_: inout Int, _: consuming Int, _: Context<Int>) in }
      own.append(context.address)
    }
    c.send("secret")
    sim.run()
    let copy = a
    #expect(a == copy && a != b)
    #expect(Set([a, b, copy]).count == 2)
    #expect(own.all == [c, c])
    #expect(a.description == "sim/a" && a.path == "sim/a" && "\(c)" == "sim/c")
    let adapter = a.contramap { (text: consuming String) in text.utf8.count }
    #expect(adapter == adapter && adapter != a.contramap { (text: consuming String) in text.utf8.count })
    #expect(adapter.path == "sim/a")
    let unnamed = sim.system.spawn(state: 0) { (_: inout Int, _: consuming Int, _: Context<Int>) in }
    #expect(unnamed.path.hasPrefix("sim/$"))
    #expect(!sim.log.all.contains { $0.contains("secret") })
    sim.end()
  }

  @Test(arguments: [0, 1, 3]) func `an adapter transforms on the way, also behind another`(capacity: Int) async {
    let sim = Simulation(seed: 2)
    let seen = Trail<Int>()
    let sink = Self.sink(sim, seen, capacity: capacity)
    let length = sink.contramap { (text: consuming String) in text.utf8.count }
    let nested = length.contramap { (n: consuming Int) in String(repeating: "x", count: n) }
    let big = nested.contramap { (wide: consuming [Int]) in wide.count }
    length.send("abc")
    sim.run()
    #expect(nested.trySend(7) == .sent)
    sim.run()
    big.send([1, 2])
    sim.run()
    let task = sim.start { () -> Bool in
      let first = await nested.deliver(9)
      let second = await big.deliver([])
      let third = await length.deliver("z")
      return first == .sent && second == .sent && third == .sent
    }
    sim.run()
    #expect(task.value == true)
    #expect(seen.all == [3, 7, 2, 9, 0, 1])
    #expect(sim.system.counts.allDeadLetters == 0)
    sim.end()
  }

  @Test func `a full mailbox gives the original back through adapters, untransformed`() {
    let sim = Simulation(seed: 3)
    let (seen, transformed) = (Trail<Int>(), Counter())
    let sink = Self.sink(sim, seen, capacity: 2)
    let length = sink.contramap { (text: consuming String) in
      transformed.add()
      return text.utf8.count
    }
    let nested = length.contramap { (n: consuming Int) in String(repeating: "x", count: n) }
    #expect(nested.trySend(1) == .sent)
    #expect(length.trySend("ab") == .sent)
    #expect(nested.trySend(3) == .full(3))
    #expect(length.trySend("abcd") == .full("abcd"))
    nested.send(5)
    #expect(transformed.value == 2)
    #expect(sim.system.counts.deadLetters == [.mailboxFull: 1])
    let waiting = sim.start { await nested.deliver(6) == .sent }
    sim.run()
    #expect(waiting.value == true)
    #expect(seen.all == [1, 2, 6])
    sim.end()
  }

  @Test(arguments: [0, 1]) func `a dead target gives the original back through adapters`(capacity: Int) async {
    let sim = Simulation(seed: 4)
    let transformed = Counter()
    let sink = Self.sink(sim, Trail(), capacity: capacity)
    let nested = sink.contramap { (text: consuming String) in
      transformed.add()
      return text.utf8.count
    }.contramap { (n: consuming Int) in
      transformed.add()
      return "\(n)"
    }
    sim.run()
    sim.system.stop(sink)
    let end = sim.start { await nested.termination }
    sim.run()
    #expect(end.value?.kind == "stopped")
    #expect(nested.trySend(4) == .closed(4))
    let delivered = sim.start { await nested.deliver(5) == .closed(5) }
    sim.run()
    #expect(delivered.value == true)
    nested.send(6)
    #expect(transformed.value == 0)
    #expect(sim.system.counts.deadLetters == [.ended: 1])
    sim.end()
  }

  @Test func `a target that ends while an adapter transforms makes a dead letter`() {
    for capacity in [0, 2] {
      let sim = Simulation(seed: 5)
      let sink = Self.sink(sim, Trail(), capacity: capacity)
      sim.run()
      let (system, scheduler) = (sim.system, sim.scheduler)
      let adapter = sink.contramap { (text: consuming String) in
        system.stop(sink)
        scheduler.runUntilIdle()
        return text.utf8.count
      }
      #expect(adapter.trySend("abc") == .sent)
      sim.run()
      let letters = sim.system.counts.deadLetters
      #expect(letters == [.endedWhileAdapting: 1])
      sim.end()
    }
  }

  @Test func `many senders through adapters respect a bound and lose nothing`() async {
    let pool = Pooled(workers: 2)
    let handled = Counter()
    let sink = pool.system.spawn(options: SpawnOptions(mailbox: .bounded(2)), state: 0) {
      (_: inout Int, _: consuming [Int], _: Context<[Int]>) in handled.add()
    }
    let one = sink.contramap { (n: consuming UInt8) in [Int(n)] }
    let two = one.contramap { (text: consuming String) in UInt8(text.utf8.count) }
    let count = Scale.count(2000)
    await withTaskGroup(of: Bool.self) { group in
      for i in 0..<6 {
        group.addTask {
          for _ in 0..<count {
            let isSent =
              switch i % 3 {
              case 0: await sink.deliver([1]) == .sent
              case 1: await one.deliver(1) == .sent
              default: await two.deliver("a") == .sent
              }
            if !isSent { return false }
          }
          return true
        }
      }
      for await isRight in group { #expect(isRight) }
    }
    await until { handled.value == 6 * count }
    #expect(pool.system.counts.allDeadLetters == 0)
    await pool.end()
  }

  @Test func `an adapter carries noncopyable messages, each once`() async {
    let ledger = Ledger()
    let sim = Simulation(seed: 6)
    let sink = sim.system.spawn(options: SpawnOptions(mailbox: .bounded(1)), state: 0) {
      (_: inout Int, _: consuming Token, _: Context<Token>) in
    }
    let adapter = sink.contramap { (n: consuming Boxed) in n.token }
    for i in 0..<4 {
      switch adapter.trySend(Boxed(token: Token(ledger))) {
      case .sent: #expect(i == 0)
      case .full(let back):
        #expect(i > 0)
        _ = consume back
      case .closed: Issue.record("closed")
      }
    }
    sim.run()
    sim.end()
    #expect(ledger.madeCount == 4 && ledger.isBalanced)
  }
  struct Boxed: ~Copyable, Sendable { let token: Token }
}
