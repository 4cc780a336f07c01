import Testing
import TroupeModel

@testable import Troupe

extension ModelTests {
  /// The pool itself: `PoolScheduler`, `PoolWorker`, `Injector` and `PoolState`. Whoever makes something
  /// runnable may be a thread of the program's or a worker. When nobody can go on, all has run, once, and all
  /// workers idle. There is no tick unless a scenario has one.
  @Suite struct Pools {
    /// `senders` are threads from outside, each with the pieces that it schedules; `first` is scheduled
    /// before anything runs. With `retires` each turn that schedules makes its worker think that it had
    /// better retire. `total` is the number of turns, or nil if that may vary, and of pieces, unless that is told.
    private func check(
      _ name: String, workers: Int, first: [Int] = [], senders: [[Int]] = [], turns: [Int: PoolRun.Turn] = [:],
      pieces: Int? = nil, total: Int?, queue: UInt = 4, retires: Bool = false, ticks: Int? = nil, fewer: Int = 0,
      location: SourceLocation = #_sourceLocation
    ) {
      PoolSizes.queueCapacity = queue
      if retires { PoolSizes.turnsBetweenLooks = 1 }
      defer {
        PoolSizes.queueCapacity = 256
        PoolSizes.turnsBetweenLooks = 256
        ModelPool.tickThread = nil
      }
      ModelPool.tickThread = ticks == nil ? nil : workers
      Check.all(
        "pool, \(name), \(workers) worker\(workers == 1 ? "" : "s")", fewer: fewer, location: location
      ) {
        let run = PoolRun(pieces: pieces ?? total ?? 0, workers: workers, areForeign: retires, turns: turns)
        for piece in first { run.schedule(piece) }
        ModelPool.begin()
        var threads: [() -> Void] = run.pool.workers.map { worker in { ModelPool.serve(worker) } }
        if let ticks { threads.append { ModelPool.tick(run.pool, early: ticks) } }
        let resting = threads.count
        threads += senders.map { pieces in { for piece in pieces { run.schedule(piece) } } }
        return Execution(threads, resting: resting) { run.trouble(asked: total) }
      }
    }

    @Test(arguments: 1...3) func `a sender from outside`(workers: Int) {
      check("1 sender", workers: workers, senders: [[0, 1]], total: 2)
    }
    @Test(arguments: 1...3) func `two senders from outside`(workers: Int) {
      check("2 senders", workers: workers, senders: [[0], [1]], total: 2)
    }

    // The slot, what it displaces, and another worker that is woken for that.
    @Test(arguments: 2...3) func `a handler that schedules others`(workers: Int) {
      check(
        "2 from inside", workers: workers, first: [0],
        turns: [
          0: {
            $0.schedule(1)
            $0.schedule(2)
          }
        ], total: 3)
    }
    @Test(arguments: 2...3) func `thieves, and an owner that pops`(workers: Int) {
      check(
        "4 from inside", workers: workers, first: [0],
        turns: [0: { run in for piece in 1...4 { run.schedule(piece) } }], total: 5)
    }
    @Test func `a queue that overflows`() {
      check(
        "overflow", workers: 2, first: [0],
        turns: [0: { run in for piece in 1...5 { run.schedule(piece) } }], total: 6, queue: 2)
    }
    @Test func `more from outside than a queue holds`() {
      check("overflow from outside", workers: 2, first: [0, 1, 2, 3], senders: [[4]], total: 5, queue: 2)
    }
    @Test(arguments: 1...2) func `one from outside and one from inside`(workers: Int) {
      check(
        "1 sender, 2 from inside", workers: workers, first: [0], senders: [[3]],
        turns: [
          0: {
            $0.schedule(1)
            $0.schedule(2)
          }
        ], total: 4)
    }
    @Test(arguments: 1...2) func `a cell that yields`(workers: Int) {
      check(
        "a turn more", workers: workers, first: [0], senders: [[1]],
        turns: [0: { if $0.turnCount(of: 0) == 1 { $0.yield(0) } }], total: 3)
    }
    // What is in the queue of a worker that does not come back is another's to run.
    @Test(arguments: 2...3) func `a handler that waits for what it queued`(workers: Int) {
      check(
        "a stuck worker", workers: workers, first: [0],
        turns: [
          0: {
            $0.schedule(1)
            $0.schedule(2)
            $0.waitForFlag()
          },
          1: { $0.raiseFlag() },
        ], total: 3)
    }
    @Test func `a sender from outside and a handler that waits for what it sends`() {
      check(
        "a stuck worker, 1 sender", workers: 2, first: [0], senders: [[1, 2]],
        turns: [0: { $0.waitForFlag() }, 2: { $0.raiseFlag() }], total: 3)
    }

    // Two looks in turn that find too many crossings: the worker retires, with something in its slot and in its queue.
    @Test(arguments: 2...3) func `a worker that retires`(workers: Int) {
      check(
        "one retires", workers: workers, first: [0],
        turns: [
          0: { run in for piece in [1, 2] { run.schedule(piece) } },
          2: { $0.schedule(3) },
          3: { run in for piece in [4, 5] { run.schedule(piece) } },
        ], total: 6, retires: true)
    }
    // What the one leaves behind the other waits for: the tick finds it where everyone looks.
    @Test func `a worker that retires, the tick, and a handler that waits for what is left behind`() {
      check(
        "one retires, a stuck worker, the tick", workers: 2, first: [0],
        turns: [
          0: { run in for piece in [1, 2] { run.schedule(piece) } },
          1: { $0.waitForFlag() },
          2: { $0.schedule(3) },
          3: { run in for piece in [4, 5] { run.schedule(piece) } },
          5: { $0.raiseFlag() },
        ], total: 6, retires: true, ticks: 1, fewer: 1)
    }
    @Test func `two workers that retire, and a sender from outside`() {
      check(
        "two retire, 1 sender", workers: 2, first: [0], senders: [[6]],
        turns: [
          0: { run in for piece in [1, 2] { run.schedule(piece) } },
          1: { $0.schedule(3) },
          2: { $0.schedule(4) },
          3: { $0.schedule(5) },
        ], total: 7, retires: true)
    }
    // What came at a time: the one that took it all runs the first of it and does not come back.
    @Test func `a handler that waits for what was sent after its message`() {
      check(
        "1 sender, a stuck worker", workers: 2, senders: [[0, 1]],
        turns: [0: { $0.waitForFlag() }, 1: { $0.raiseFlag() }],
        total: 2)
    }

    // The slot of a stuck worker: only who was sent by the tick may take it.
    @Test func `the tick, and a handler that waits for what is in its slot`() {
      check(
        "a stuck worker, the tick", workers: 2, first: [0],
        turns: [
          0: {
            $0.schedule(1)
            $0.waitForFlag()
          },
          1: { $0.raiseFlag() },
        ], total: 2, ticks: 2, fewer: 1)
    }
    // It is sent for the slot of a worker that was slow, and takes it itself now.
    @Test func `the tick, and a handler that comes back after all`() {
      check(
        "a slow worker, the tick", workers: 2, first: [0], turns: [0: { $0.schedule(1) }], total: 2, ticks: 2, fewer: 1)
    }
    // The tick ends when all idle; whoever goes on after that must order it again.
    @Test func `the tick, a sender from outside, and a handler that waits for the tick`() {
      check(
        "1 sender, one waits for the tick", workers: 1, first: [0], senders: [[1]], turns: [1: { $0.waitForTick() }],
        total: 2, ticks: 1)
    }
    @Test func `the tick, a sender from outside, and a handler that waits for what is in its slot`() {
      check(
        "1 sender, a stuck worker, the tick", workers: 2, first: [0], senders: [[1]],
        turns: [
          1: {
            $0.schedule(2)
            $0.waitForFlag()
          },
          2: { $0.raiseFlag() },
        ], total: 3, ticks: 1, fewer: 1)
    }
    @Test func `the tick, and a sender from outside`() {
      check("1 sender, the tick", workers: 2, senders: [[0, 1]], total: 2, ticks: 1, fewer: 1)
    }

    // A pair that wakes each other and a third one that waits in the queue: it has its turn after a few of theirs.
    // With a second worker the third one may be in the hands of that one, which does not go on.
    @Test func `a pair that keeps the slot, and one that waits in the queue`() {
      PoolSizes.nextBudget = 2
      defer { PoolSizes.nextBudget = 48 }
      let play = { (run: PoolRun, other: Int) in
        if run.turnCount(of: 2) > 0 { return }
        if run.turnCount(of: other) > 5 { return run.fail("the pair goes on and the third one waits") }
        run.schedule(other)
      }
      check(
        "a pair", workers: 1, first: [0], senders: [[3]],
        turns: [
          0: {
            if $0.turnCount(of: 0) == 1 { $0.schedule(2) }
            play($0, 1)
          },
          1: { play($0, 0) },
        ], pieces: 4, total: nil)
    }

    // With its mailbox, and its cell's own steps when it idles and is woken.
    @Test(arguments: [(workers: 1, fewer: 0), (workers: 2, fewer: 1)])
    func `an actor, and two that send to it`(workers: Int, fewer: Int) {
      Check.all("pool, an actor, 2 senders, \(workers) worker\(workers == 1 ? "" : "s")", fewer: fewer) {
        ModelPool.tickThread = nil
        let pool = PoolScheduler(workers: workers)
        let system = ActorSystem(
          core: SystemCore(
            name: "model", options: ActorSystem.Options(supervision: .stop, log: { _ in }), scheduler: pool,
            counts: pool.workers.map(\.counts)))
        let witness = Witness()
        let address = system.spawn("a") { Counting(witness: witness) }
        // The actor has started, and idles.
        ModelPool.settle()
        let threads: [() -> Void] = pool.workers.map { worker in { ModelPool.serve(worker) } }
        let senders = (0..<2).map { index in { for number in 0...index { address.send(index * 4 + number) } } }
        return Execution(threads + senders, resting: workers) {
          let trouble = witness.trouble(sends: [1, 2], dead: system.counts.allDeadLetters, mayLose: false)
          // A system that is dropped without an end keeps its actors.
          system.requestShutdown()
          ModelPool.settle()
          return trouble ?? (system.counts.topLevelActors == 0 ? nil : "the actor does not end")
        }
      }
    }
  }
}
