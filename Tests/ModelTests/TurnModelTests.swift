import Testing
import TroupeModel

@testable import Troupe

extension ModelTests {
  /// Jobs of tasks that give up their turn, on the pool and with the serial executors that the runtime uses:
  /// `PoolWorker`, `LoopExecutor` and `LoopState`. Each turn that was asked for comes once, and those of one executor
  /// one after the other.
  @Suite struct Turns {
    /// Whose the job is that gives up its turn.
    enum Home: String, CaseIterable { case loop, task }

    /// `first` is scheduled before anything runs; each of `senders` is a thread from outside that schedules its pieces.
    private func check(
      _ name: String, workers: Int, loops: [[Int]] = [], tasks: [Int] = [], first: [Int], senders: [[Int]] = [],
      turns: [Int: PoolRun.Turn], pieces: Int, total: Int, queue: UInt = 4, ticks: Int? = nil, fewer: Int = 0,
      location: SourceLocation = #_sourceLocation
    ) {
      PoolSizes.queueCapacity = queue
      defer {
        PoolSizes.queueCapacity = 256
        ModelPool.tickThread = nil
      }
      ModelPool.tickThread = ticks == nil ? nil : workers
      Check.all(
        "turns, \(name), \(workers) worker\(workers == 1 ? "" : "s")", fewer: fewer, location: location
      ) {
        let run = PoolRun(pieces: pieces, workers: workers, loops: loops, tasks: tasks, turns: turns)
        for piece in first { run.schedule(piece) }
        ModelPool.begin()
        var threads: [() -> Void] = run.pool.workers.map { worker in { ModelPool.serve(worker) } }
        if let ticks { threads.append { ModelPool.tick(run.pool, early: ticks) } }
        let resting = threads.count
        threads += senders.map { pieces in { for piece in pieces { run.schedule(piece) } } }
        return Execution(threads, resting: resting) { run.trouble(asked: total) }
      }
    }

    private func check(
      _ name: String, _ home: Home, workers: Int, first: [Int], senders: [[Int]] = [], turns: [Int: PoolRun.Turn],
      pieces: Int, total: Int, ticks: Int? = nil, fewer: Int = 0, location: SourceLocation = #_sourceLocation
    ) {
      check(
        "\(name), of a \(home)", workers: workers, loops: home == .loop ? [[0]] : [], tasks: home == .task ? [0] : [],
        first: first, senders: senders, turns: turns, pieces: pieces, total: total, ticks: ticks, fewer: fewer,
        location: location)
    }

    /// Waits for one turn when it runs for the first time.
    private static func once(_ piece: Int) -> PoolRun.Turn {
      { if $0.turnCount(of: piece) == 1 { $0.waitATurn(piece) } }
    }

    @Test(arguments: 1...2, Home.allCases) func `a job that waits a turn, and a sender`(workers: Int, home: Home) {
      check(
        "one waits, 1 sender", home, workers: workers, first: [0], senders: [[1]], turns: [0: Self.once(0)], pieces: 2,
        total: 3)
    }

    // The turn that it waits for does not end before the job goes on: the tick takes it away.
    @Test(arguments: Home.allCases) func `a job that waits a turn that waits for it`(home: Home) {
      check(
        "one waits, a stuck worker, the tick", home, workers: 2, first: [0],
        turns: [
          0: {
            if $0.turnCount(of: 0) == 2 { return $0.raiseFlag() }
            $0.schedule(1)
            $0.waitATurn(0)
          },
          1: { $0.waitForFlag() },
        ], pieces: 2, total: 3, ticks: 0, fewer: 1)
    }

    // The tick may come between any two steps of a worker that has given the job its turn, or is about to.
    @Test(arguments: 1...2, Home.allCases) func `a job that waits a turn, and the tick`(workers: Int, home: Home) {
      check(
        "one waits, the tick", home, workers: workers, first: [0],
        turns: [
          0: {
            if $0.turnCount(of: 0) == 2 { return }
            $0.schedule(1)
            $0.waitATurn(0)
          }
        ], pieces: 2, total: 3, ticks: 2, fewer: workers == 1 ? 0 : 1)
    }

    // One is kept for the end of the turn, and another goes to the end of their executor.
    @Test(arguments: 1...2) func `two jobs of one executor that wait a turn`(workers: Int) {
      check(
        "two of a loop wait", workers: workers, loops: [[0, 1]], first: [0], senders: [[1]],
        turns: [0: Self.once(0), 1: Self.once(1)], pieces: 2, total: 4)
    }
    @Test func `two jobs of one executor that wait a turn, and the tick`() {
      check(
        "two of a loop wait, the tick", workers: 1, loops: [[0, 1]], first: [0, 1],
        turns: [0: Self.once(0), 1: Self.once(1)], pieces: 2, total: 4, ticks: 2)
    }

    @Test func `more that wait a turn than a line holds`() {
      check(
        "3 wait, a line of 1", workers: 1, tasks: [0, 1, 2, 3], first: [0, 1, 2], senders: [[3]],
        turns: [0: Self.once(0), 1: Self.once(1), 2: Self.once(2)], pieces: 4, total: 7, queue: 1)
    }
  }
}
