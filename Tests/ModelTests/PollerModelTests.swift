import Testing
import TroupeModel

@testable import Troupe

extension ModelTests {
  /// The poller in the pool: `Poller`, and what `PoolWorker` does with it. Piece *i* is scheduled by whoever hears of
  /// descriptor *i*, or by a thread from outside, which waits until it has run and then removes its descriptors. So
  /// whatever is lost is found as a thread that waits for ever. There is no tick.
  @Suite struct Pollers {
    private final class Client: PollerClient, @unchecked Sendable {
      private unowned let run: PoolRun
      private let piece: Int
      init(_ run: PoolRun, _ piece: Int) { (self.run, self.piece) = (run, piece) }
      func becameReady(_ events: UInt32) { run.schedule(piece) }
    }

    /// One thread from outside.
    private struct Outside {
      let run: PoolRun
      let poller: Poller
      func add(_ descriptor: Int32) -> Int64 { poller.add(descriptor, Client(run, Int(descriptor))) }
      func becomesReady(_ descriptor: Int32) { poller.set.becomesReady(descriptor) }
      func remove(_ descriptor: Int32, _ token: Int64) { poller.remove(descriptor, token) }
      func awaitTurn(_ piece: Int, count: Int = 1) {
        while run.turnCount(of: piece) < count { ModelSystem.pause() }
      }
    }

    private func check(
      _ name: String, workers: Int, first: [Int] = [], pieces: Int, turns: [Int: PoolRun.Turn] = [:], fewer: Int = 0,
      location: SourceLocation = #_sourceLocation, _ outside: [(Outside) -> Void]
    ) {
      PoolSizes.queueCapacity = 4
      defer { PoolSizes.queueCapacity = 256 }
      ModelPool.tickThread = nil
      Check.all(
        "poller, \(name), \(workers) worker\(workers == 1 ? "" : "s")", fewer: fewer, location: location
      ) {
        let run = PoolRun(pieces: pieces, workers: workers, turns: turns)
        guard let poller = run.pool.poller else { return Execution([], resting: 0) { "there is no poller" } }
        for piece in first { run.schedule(piece) }
        ModelPool.begin()
        let threads: [() -> Void] = run.pool.workers.map { worker in { ModelPool.serve(worker) } }
        let others = outside.map { body in { body(Outside(run: run, poller: poller)) } }
        return Execution(threads + others, resting: workers) {
          if poller.isWanted { return "a descriptor is left" }
          // The next event would be left to a worker that is not there.
          if poller.hasWaiter { return "nobody waits in the poller, which has not been told so" }
          return run.trouble(asked: nil)
        }
      }
    }

    @Test(arguments: 1...2) func `the first descriptor while all idle, its event, and its removal`(workers: Int) {
      check("1 event", workers: workers, pieces: 1) { outside in
        let token = outside.add(0)
        outside.becomesReady(0)
        outside.awaitTurn(0)
        outside.remove(0, token)
      }
    }

    @Test(arguments: 1...2) func `an event while the last worker goes idle`(workers: Int) {
      check("1 event while one goes idle", workers: workers, first: [1], pieces: 2, fewer: workers - 1) { outside in
        let token = outside.add(0)
        outside.becomesReady(0)
        outside.awaitTurn(0)
        outside.remove(0, token)
      }
    }

    @Test(arguments: 1...2) func `work from outside while a worker waits`(workers: Int) {
      check("1 sender", workers: workers, pieces: 2, fewer: workers - 1) { outside in
        let token = outside.add(0)
        outside.run.schedule(1)
        outside.awaitTurn(1)
        outside.remove(0, token)
      }
    }

    @Test(arguments: 1...2) func `work from outside and an event at a time`(workers: Int) {
      check(
        "1 sender, 1 event", workers: workers, pieces: 2, fewer: 1,
        [
          { outside in
            let token = outside.add(0)
            outside.becomesReady(0)
            outside.awaitTurn(0)
            outside.awaitTurn(1)
            outside.remove(0, token)
          },
          { outside in outside.run.schedule(1) },
        ])
    }

    @Test func `work from outside and then an event`() {
      check("1 sender, then 1 event", workers: 1, pieces: 2) { outside in
        let token = outside.add(0)
        outside.run.schedule(1)
        outside.awaitTurn(1)
        outside.becomesReady(0)
        outside.awaitTurn(0)
        outside.remove(0, token)
      }
    }

    @Test func `two events, one after the other`() {
      check("2 events", workers: 2, pieces: 1, fewer: 1) { outside in
        let token = outside.add(0)
        outside.becomesReady(0)
        outside.awaitTurn(0)
        outside.becomesReady(0)
        outside.awaitTurn(0, count: 2)
        outside.remove(0, token)
      }
    }

    @Test func `events come while a turn does not end, and what waits behind it is run`() {
      check(
        "a turn does not end", workers: 2, pieces: 4,
        turns: [
          0: { run in
            // The first goes to the queue, for which the other worker is woken, and the second to the slot, which
            // nobody steals from.
            run.schedule(1)
            run.schedule(3)
            run.waitForFlag()
          },
          3: { run in run.raiseFlag() },
        ], fewer: 1,
        [
          { outside in
            let token = outside.add(2)
            outside.run.schedule(0)
            outside.awaitTurn(1)
            for count in 1...2 {
              outside.becomesReady(2)
              outside.awaitTurn(2, count: count)
            }
            outside.awaitTurn(3)
            outside.remove(2, token)
          }
        ])
    }

    @Test func `an event comes while the worker that heard of the one before is in a long turn`() {
      PoolSizes.longTurn = -1
      defer { PoolSizes.longTurn = .max }
      check(
        "a long turn", workers: 2, pieces: 2,
        turns: [0: { run in run.waitForFlag() }, 1: { run in run.raiseFlag() }], fewer: 1,
        [
          { outside in
            let tokens = [outside.add(0), outside.add(1)]
            // If they are heard of at a time, the second is run first. If not, the first is in its turn, which does not
            // end before the second has been heard of.
            outside.becomesReady(0)
            outside.becomesReady(1)
            outside.awaitTurn(1)
            for (descriptor, token) in tokens.enumerated() { outside.remove(Int32(descriptor), token) }
          }
        ])
    }

    @Test func `the last descriptor is removed and another one added`() {
      check("removed and added", workers: 2, pieces: 2, fewer: 1) { outside in
        let token = outside.add(0)
        outside.remove(0, token)
        let other = outside.add(1)
        outside.becomesReady(1)
        outside.awaitTurn(1)
        outside.remove(1, other)
      }
    }

    private func check(
      _ name: String, workers: Int, first: [Int] = [], pieces: Int, fewer: Int = 0,
      location: SourceLocation = #_sourceLocation, _ outside: @escaping (Outside) -> Void
    ) {
      check(name, workers: workers, first: first, pieces: pieces, fewer: fewer, location: location, [outside])
    }
  }
}
