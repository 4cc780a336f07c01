import CTroupeShims
import TestSupport
import Testing

@testable import Troupe

@Suite(.spins) struct CellReuseTests {
  /// Spawns children that another worker runs, and that end once all are there. Its own turn, which takes
  /// them out of the table of its children, ends after that: then nobody else has a hold on their cells, in a
  /// build without optimization either.
  struct Parent: Behavior {
    let spawned: Event
    let ended: Countdown
    mutating func receive(_ message: consuming Int, in context: Context<Int>) {
      for _ in 0..<message { context.spawn(behavior: Brief(spawned: spawned, ended: ended)) }
      spawned.set()
      spinUntil { ended.isOver }
    }
  }
  struct Brief: Behavior, ~Copyable {
    let spawned: Event
    let ended: Countdown
    mutating func started(in context: Context<Int>) {
      spawned.spin()
      context.stop()
    }
    mutating func receive(_ message: consuming Int, in context: Context<Int>) {}
    deinit { ended.down() }
  }

  @Test func `cells that nobody has are kept for a while, and then freed`() async throws {
    let pool = Pooled(workers: 2)
    let scheduler = try #require(pool.system.core.scheduler as? PoolScheduler)
    let count = 2000
    let (spawned, ended) = (Event(), Countdown(count))
    pool.system.spawn { Parent(spawned: spawned, ended: ended) }.send(count)
    await ended.wait()
    // Neither is there a worker's own store in this count, nor are there cells under a sanitizer.
    #expect(await settled { scheduler.depot.count > 0 || troupe_is_sanitized() })
    // What was not needed since the trim before goes, and nobody spawns.
    await pool.end()
    scheduler.depot.trim()
    scheduler.depot.trim()
    #expect(scheduler.depot.count == 0)
  }

  @Test func `memory that many actors had is given back once no more is freed`() {
    let depot = CellDepot()
    let orders = Counter()
    depot.orderTrim = { _ in orders.add() }
    depot.freed(100)
    #expect(orders.value == 1)
    // Too little to be worth it.
    depot.trim()
    #expect(orders.value == 1)
    depot.freed(64 << 20)
    #expect(orders.value == 2)
    // More was freed since the last look, so it looks again.
    depot.trim()
    #expect(orders.value == 3)
    depot.freed(1)
    depot.trim()
    #expect(orders.value == 4)
    // Nothing was freed meanwhile: this gives the pages back, and nothing is left to do.
    depot.trim()
    #expect(orders.value == 4)
    depot.freed(1)
    #expect(orders.value == 5)
  }
}
