import Synchronization
import Testing

@testable import Troupe

/// When workers help each other: what a searching worker takes from one that is held up, and how much has to wait
/// before another one is woken for it. The workers have no threads here, so the test decides what each of them does,
/// and what is in the queues is never run.
@Suite struct HeldUpTests {
  private let pool: PoolScheduler
  private var other: PoolWorker { pool.workers[0] }
  private var searching: PoolWorker { pool.workers[1] }
  private var turnTime: Int64 { pool.state.turnTime }

  init() {
    pool = PoolScheduler(workers: 2)
    // As if both workers had a thread and searched, so that nobody is woken for what is pushed.
    for _ in pool.workers { _ = pool.state.claimIdle(always: true) }
  }

  /// Bits that are those of a job.
  private func runnable(_ number: UInt) -> Runnable { Runnable(bits: number << 4 | 1) }
  private func take(at microseconds: Int64) -> UInt? {
    searching.takeFromHeldUp(in: pool, at: microseconds * 1000).map { $0.bits >> 4 }
  }

  @Test func `what waits behind a worker that has begun nothing for some time is taken, the slot last`() {
    #expect(!runnable(1).isCell)
    for number in 1...3 as ClosedRange<UInt> { other.push(runnable(number)) }
    #expect(take(at: 1000) == nil, "this is the first search, so nobody knows whether the other worker is held up")
    #expect(take(at: 1099) == nil, "this is too soon")
    #expect(take(at: 1100) == 1)
    #expect(take(at: 1101) == 2)
    #expect(take(at: 1102) == 3, "it lay in the slot")
    #expect(take(at: 1103) == nil)
    #expect(!other.hasWork && !searching.hasWork)
  }

  @Test func `half of a queue is taken, and the rest of the half is in the own queue`() {
    for number in 1...9 as ClosedRange<UInt> { other.pushLast(runnable(number)) }
    #expect(take(at: 1000) == nil)
    #expect(take(at: 1100) == 5, "the newest of the older half is run first")
    #expect(searching.hasQueuedWork && other.hasQueuedWork)
  }

  @Test func `a worker that has begun something meanwhile keeps what it has`() {
    for number in 1...2 as ClosedRange<UInt> { other.push(runnable(number)) }
    for time in 10...13 as ClosedRange<Int64> {
      #expect(take(at: time * 100) == nil)
      other.activations.wrappingAdd(1, ordering: .relaxed)
    }
    #expect(take(at: 1400) == nil)
    #expect(take(at: 1500) == 1)
  }

  @Test func `a single worker takes nothing from itself`() {
    let pool = PoolScheduler(workers: 1)
    _ = pool.state.claimIdle(always: true)
    pool.workers[0].pushLast(runnable(1))
    for time in 10...11 as ClosedRange<Int64> {
      #expect(pool.workers[0].takeFromHeldUp(in: pool, at: time * 100_000) == nil)
    }
  }

  @Test(arguments: [(0, 1), (199, 1), (200, 2), (799, 7), (800, 8), (100_000, 8)] as [(UInt, UInt)])
  func `where sockets wait, only so many short turns are worth a wake-up`(turns: UInt, enough: UInt) {
    other.activations.wrappingAdd(turns, ordering: .relaxed)
    let counted = other.tickPasses()
    #expect(counted == turns && other.tickPasses() == 0)
    pool.state.estimate(turns: counted, whileSocketsWait: true, at: 0)
    for number in 1...enough {
      #expect(!other.hasWorkToShare && !pool.hasWorkToShare)
      other.pushLast(runnable(number))
    }
    #expect(other.hasWorkToShare && pool.hasWorkToShare)
  }

  @Test func `every turn is worth a wake-up without sockets, and if few are made`() {
    other.pushLast(runnable(1))
    pool.state.estimate(turns: 100_000, whileSocketsWait: false, at: 0)
    #expect(other.hasWorkToShare)
    pool.state.estimate(turns: 100_000, whileSocketsWait: true, at: 0)
    #expect(!other.hasWorkToShare)
    pool.state.estimate(turns: 100, whileSocketsWait: true, at: 0)
    #expect(other.hasWorkToShare)
  }

  @Test func `nobody is woken for less than that`() {
    let pool = PoolScheduler(workers: 2)
    // As if the first worker had a thread, and had found something to run.
    _ = pool.state.claimIdle(always: true)
    _ = pool.state.stopSearching()
    pool.state.estimate(turns: 100_000, whileSocketsWait: true, at: 0)
    for number in 1...7 as ClosedRange<UInt> { pool.workers[0].pushLast(runnable(number)) }
    let isIdle = pool.state.isIdle(1)
    #expect(isIdle)
  }

  @Test func `after a long idle time everything is worth a wake-up`() {
    pool.state.estimate(turns: 100_000, whileSocketsWait: true, at: 1000)
    other.pushLast(runnable(1))
    pool.state.idleEnds(at: 1000 + 2 * PoolSizes.tick)
    #expect(!other.hasWorkToShare)
    pool.state.idleEnds(at: 1001 + 2 * PoolSizes.tick)
    #expect(other.hasWorkToShare)
  }

  @Test func `the mean time of turns follows the stretches in which a worker did not run out of work`() {
    func stretch(turns: UInt, from start: Int64, to end: Int64) {
      other.beginStretch(at: start)
      other.activations.wrappingAdd(turns, ordering: .relaxed)
      other.noteStretch(endsAt: end)
    }
    stretch(turns: 0, from: 1000, to: 9000)
    #expect(turnTime == 0, "nothing ran")
    stretch(turns: 2, from: 10_000, to: 26_000)
    #expect(turnTime == 1000, "an eighth of 8,000")
    // The time between two stretches does not count.
    for number in 0..<100 as Range<Int64> {
      let start = 1_000_000 * number
      stretch(turns: 4, from: start, to: start + 32_000)
    }
    #expect((7900...8000).contains(turnTime))
  }

  @Test func `one turn that lasts does not make turns long, and some do`() {
    pool.state.note(turnTime: 1_000_000_000)
    #expect(turnTime <= PoolSizes.longTurn)
    pool.state.note(turnTime: 1_000_000_000)
    #expect(turnTime > PoolSizes.longTurn)
  }
}
