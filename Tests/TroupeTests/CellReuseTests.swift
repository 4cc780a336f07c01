import CTroupeShims
import Testing

@testable import Troupe

@Suite struct CellReuseTests {
  /// Spawns children that end at once, and of which nobody keeps an address: who hears of an end by a signal has one, for a moment.
  struct Parent: Behavior {
    let ended: Countdown
    mutating func receive(_ message: consuming Int, in context: Context<Int>) {
      for _ in 0..<message { context.spawn(behavior: Brief(ended: ended)) }
    }
  }
  struct Brief: Behavior, ~Copyable {
    let ended: Countdown
    mutating func started(in context: Context<Int>) { context.stop() }
    mutating func receive(_ message: consuming Int, in context: Context<Int>) {}
    deinit { ended.down() }
  }

  @Test func `cells that nobody has are kept for a while, and then freed`() async throws {
    let pool = Pooled(workers: 2)
    let scheduler = try #require(pool.system.core.scheduler as? PoolScheduler)
    let count = 2000
    for _ in 0..<2 {
      let ended = Countdown(count)
      pool.system.spawn { Parent(ended: ended) }.send(count)
      await ended.wait()
    }
    // Neither is there a worker's own store in this count, nor are there cells under a sanitizer.
    #expect(await settled { scheduler.depot.count > 0 || troupe_is_sanitized() })
    // What was not needed since the trim before goes, and nobody spawns.
    await pool.end()
    scheduler.depot.trim()
    scheduler.depot.trim()
    #expect(scheduler.depot.count == 0)
  }
}
